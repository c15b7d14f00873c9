import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { redisCall } from '../../src/embedded/redis-call.ts'

// The built command with its embedded group, as `npm start` runs it; the examples as their READMEs say.
const root = join(import.meta.dirname, '../..')
const python = ['/usr/bin/python3', 'python3'].find((path) => existsSync(path)) ?? 'python3'
let up: ChildProcess
let output = ''
let port = 0

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

beforeAll(async () => {
  port = await freePort()
  const cli = join(root, 'dist/cli.js')
  const args = [cli, 'up', '--listen', `127.0.0.1:${port}`, '--admin', 'off', '--log-pretty=false']
  up = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  up.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  while (!output.includes('ready: redis-cli')) {
    expect(up.exitCode, output).toBeNull()
    await delay(50)
  }
})

afterAll(async () => {
  const ended = new Promise((resolve) => up.once('exit', resolve))
  up.kill('SIGTERM')
  expect(await ended).toBe(0)
})

/** What a program prints; rejects when it does not exit with 0. */
async function run(file: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, REDIS_PORT: String(port) }
  const { stdout } = await promisify(execFile)(file, [...args], { env, timeout: 50_000 })
  return stdout
}

it.each(['with-ioredis.mjs', 'with-node-redis.mjs'])('node-app/%s', async (name) => {
  const printed = await run(process.execPath, join(root, 'examples/node-app', name))
  expect(printed).toContain('get: hello from')
  expect(printed).toContain('counter is 3')
  expect(printed).toContain('blocking pop: work')
  expect(printed).toContain('message: extra')
})

it('python-demo: set and get', async () => {
  const printed = await run(python, join(root, 'examples/python-demo/redis_demo.py'))
  expect(printed).toBe('get: hello from python\n')
})

it('python-demo: a crash of the master is a slow command', async () => {
  const demo = join(root, 'examples/python-demo/redis_demo.py')
  const watching = run(python, demo, '--watch', '8').catch((error: unknown) => {
    // A write that was on the wire at the crash is told to be in doubt: allowed, and nothing else.
    const { stdout } = error as { stdout: string }
    expect(stdout.match(/^error: .*/gm)).toEqual([expect.stringContaining('INDOUBT')])
    return stdout
  })
  await delay(1000)
  const info = await redisCall({ host: '127.0.0.1', port }, ['INFO', 'server'])
  process.kill(
    Number(/process_id:(\d+)/.exec(typeof info === 'string' ? info : '')?.[1]),
    'SIGKILL',
  )
  const printed = await watching
  expect(printed).toMatch(/slow: a command took \d+\.\d\d s, and was answered/)
  expect(printed).toMatch(/acked \d+, errors [01], /)
})
