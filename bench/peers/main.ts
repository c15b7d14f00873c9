import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { format, resolveConfig } from 'prettier'
import { startEmbeddedGroup, type EmbeddedGroup } from '../../src/embedded/embedded-group.ts'
import { redisCall } from '../../src/embedded/redis-call.ts'
import { describeMachine } from '../machine.ts'
import { Missing, type Origin } from '../targets/target.ts'
import { audit, startLoad, type Tally } from './load.ts'
import { subjects, type Subject } from './subjects.ts'

/**
 * The same load and the same failures for every way to reach a Sentinel-run Redis, one after the
 * other, each with a fresh group of its own; a table of what the clients met.
 *
 *     npm run bench:peers -- [--clients 100] [--seconds 15] [--out docs/failover.md]
 *
 * With --out the table takes the place between the marks in that file.
 */

interface Failure {
  readonly title: string
  /** Lets it happen. What it returns ends it, after half of the time. */
  strike(group: EmbeddedGroup): Promise<() => void>
}

interface Row extends Tally {
  readonly failure: string
  readonly subject: string
  readonly lost: number
  readonly duplicated: number
}

function masterOf(group: EmbeddedGroup): EmbeddedGroup['nodes'][number] {
  const [master] = group.nodes
  if (master === undefined) throw new Error('the group has no master')
  return master
}

function signal(title: string, first: NodeJS.Signals, then: NodeJS.Signals | null): Failure {
  return {
    title,
    strike(group) {
      const master = masterOf(group)
      group.kill(master, first)
      return Promise.resolve(() => {
        if (then !== null) group.kill(master, then)
      })
    },
  }
}

const failures: readonly Failure[] = [
  signal('`kill -9` of the master', 'SIGKILL', null),
  {
    title: '`SENTINEL FAILOVER`',
    async strike({ sentinels, masterName }) {
      const [first] = sentinels
      if (first === undefined) throw new Error('the group has no sentinels')
      await redisCall(first, ['SENTINEL', 'FAILOVER', masterName])
      return () => undefined
    },
  },
  signal('the master frozen, thawed later', 'SIGSTOP', 'SIGCONT'),
]

/** The node that all sentinels name, once the old master has become a replica or is dead. */
async function survivor(group: EmbeddedGroup): Promise<Redis> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const names = await Promise.all(
      group.sentinels.map((each) =>
        redisCall(each, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group.masterName]),
      ),
    )
    const ports = names.map((name) => (Array.isArray(name) ? Number(name[1]) : 0))
    const [port = 0] = ports
    const isAgreed = ports.every((each) => each === port)
    if (isAgreed && port !== masterOf(group).address.port) {
      const old = await redisCall(masterOf(group).address, ['ROLE']).catch(() => ['dead'])
      if (!Array.isArray(old) || old[0] !== 'master') return new Redis(port, '127.0.0.1')
    }
    if (performance.now() > deadline) throw new Error('the group did not settle')
    await delay(200)
  }
}

async function one(
  subject: Subject,
  failure: Failure,
  clients: number,
  seconds: number,
): Promise<Row> {
  const group = await startEmbeddedGroup()
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-peers-'))
  const [node, sentinel] = [masterOf(group), group.sentinels[0]]
  const origin: Origin = {
    ...{ port: node.address.port, pid: node.pid, folder },
    ...{ masterName: group.masterName, sentinelPort: sentinel?.port ?? 0 },
    close: () => group.close(),
  }
  try {
    const running = await subject.start(group, origin)
    try {
      const load = await startLoad(running.connect, clients)
      await delay(2_000)
      const end = await failure.strike(group)
      await delay(seconds * 500)
      end()
      await delay(seconds * 500)
      const writers = await load.stop()
      const master = await survivor(group)
      const found = await audit(master, writers)
      master.disconnect()
      return { failure: failure.title, subject: subject.title, ...load.tally, ...found }
    } finally {
      await running.stop()
    }
  } finally {
    await group.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const figure = (n: number): string => Math.round(n).toLocaleString('en-US')

function tableOf(rows: readonly Row[], clients: number): string {
  const { processor, cores, programs } = describeMachine(null)
  const head = [
    ...['failure', 'through', 'answered', 'dropped', 'errors', 'in doubt'],
    ...['acknowledged writes lost', 'duplicated', 'longest stall'],
  ]
  const lines = rows.map((row) => [
    ...[row.failure, row.subject, figure(row.answered), figure(row.dropped), figure(row.errors)],
    ...[figure(row.inDoubt), figure(row.lost), figure(row.duplicated)],
    `${(row.longestMs / 1000).toFixed(1)} s`,
  ])
  const table = [head, head.map(() => '---'), ...lines].map((each) => `| ${each.join(' | ')} |`)
  const where = `${processor}, ${cores} cores; ${programs.join(', ')}; ${clients} clients.`
  return `${table.join('\n')}\n\n${where} Repeat it with \`npm run bench:peers\`.\n`
}

const [begin, end] = ['<!-- peers: written by npm run bench:peers -->', '<!-- end of peers -->']

async function write(path: string, table: string): Promise<void> {
  const page = readFileSync(path, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from)
    throw new Error(`${path} has no place for the table: ${begin} … ${end}`)
  const text = `${page.slice(0, from + begin.length)}\n\n${table}\n${page.slice(to)}`
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
}

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '15' },
    out: { type: 'string' },
  },
})
const [clients, seconds] = [Number(values.clients), Number(values.seconds)]
const rows: Row[] = []
const missing = new Set<string>()
for (const failure of failures) {
  for (const subject of subjects) {
    if (missing.has(subject.title)) continue
    try {
      const row = await one(subject, failure, clients, seconds)
      rows.push(row)
      console.log(row)
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      missing.add(subject.title)
      console.log(`left out: ${error.message}`)
    }
  }
}
const table = tableOf(rows, clients)
console.log(table)
if (values.out !== undefined) await write(values.out, table)
