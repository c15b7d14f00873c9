/**
 * Writes `src/routing/command-table.generated.ts` from what a real server says of its commands.
 *
 *   node scripts/generate-command-table.mjs [path of redis-server]
 *
 * The server runs on a free loopback port in its own temporary folder for the moment of one
 * `COMMAND`. Needs redis-server 7.0 or newer (subcommands are not listed before).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Parser from 'redis-parser'

/** @typedef {{ name: string, arity: number, flags: string[] }} Entry */

const target = fileURLToPath(new URL('../src/routing/command-table.generated.ts', import.meta.url))
const startDeadlineMs = 5_000

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** One connection, tried until the server listens. @param {number} port */
async function dial(port) {
  const deadline = Date.now() + startDeadlineMs
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch (cause) {
      if (Date.now() > deadline) throw new Error('redis-server did not start', { cause })
      await delay(25)
    }
  }
}

/** Replies to the two questions. @param {number} port @returns {Promise<unknown[]>} */
async function ask(port) {
  const socket = await dial(port)
  /** @type {unknown[]} */
  const replies = []
  try {
    return await new Promise((resolve, reject) => {
      const parser = new Parser({
        returnReply: (/** @type {unknown} */ reply) => {
          if (replies.push(reply) === 2) resolve(replies)
        },
        returnError: reject,
      })
      socket.on('data', (data) => parser.execute(data))
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('redis-server closed the connection')))
      socket.write('INFO server\r\nCOMMAND\r\n')
    })
  } finally {
    socket.destroy()
  }
}

/** A command and its subcommands, flat. @param {unknown} row @returns {Entry[]} */
function entriesOf(row) {
  if (!Array.isArray(row)) throw new Error('COMMAND answered something that is not a list')
  const [name, arity, flags] = row
  const subcommands = Array.isArray(row[9]) ? row[9] : []
  return [
    { name: String(name), arity: Number(arity), flags: flags.map(String) },
    ...subcommands.flatMap(entriesOf),
  ]
}

/** @param {string} version @param {Entry[]} entries */
function render(version, entries) {
  const lines = entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(
      ({ name, arity, flags }) => `  ['${name}', ${String(arity)}, '${flags.sort().join(' ')}'],`,
    )
  return [
    `// Written by scripts/generate-command-table.mjs from redis-server ${version}. Do not edit.`,
    '',
    '/** Name, arity (negative: at least that many arguments, the name included) and flags. */',
    'type Row = readonly [name: string, arity: number, flags: string]',
    '',
    'export const commandTable: readonly Row[] = [',
    ...lines,
    ']',
    '',
    '/** The version of the server that was asked. */',
    `export const commandTableVersion = '${version}'`,
    '',
  ].join('\n')
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'command-table-'))
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  const server = spawn(process.argv[2] ?? 'redis-server', options, { stdio: 'ignore' })
  const failed = once(server, 'error').then(([cause]) => Promise.reject(cause))
  const exited = new Promise((resolve) => server.once('exit', resolve))
  try {
    const [info, rows] = await Promise.race([ask(port), failed])
    const version = /redis_version:(\S+)/.exec(String(info))?.[1] ?? 'unknown'
    if (!Array.isArray(rows)) throw new Error('COMMAND answered something that is not a list')
    const entries = rows.flatMap(entriesOf)
    await writeFile(target, render(version, entries))
    console.log(`${String(entries.length)} commands of redis-server ${version} -> ${target}`)
  } finally {
    if (server.kill()) await exited
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
