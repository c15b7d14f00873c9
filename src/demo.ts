import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { addressKey } from './base/address.ts'
import { onShutdown } from './base/shutdown.ts'
import { loadConfig } from './config/load.ts'
import { ConfigError } from './config/problems.ts'
import { clientCount } from './demo/load.ts'
import type { Change, Stage } from './demo/play.ts'
import { play } from './demo/play.ts'
import { reportLines } from './demo/report.ts'
import { Screen } from './demo/screen.ts'
import type { EmbeddedGroup } from './embedded/embedded-group.ts'
import { startEmbeddedGroup } from './embedded/embedded-group.ts'
import { supervise } from './supervisor.ts'
import type { Supervisor } from './supervisor.ts'
import { silentLogger } from './telemetry/logger.ts'

export interface DemoFlags {
  readonly kill?: true
  readonly switchover?: true
  readonly json?: true
  readonly seconds: string
}

interface Program {
  readonly program: string
  readonly version: string
}

const leastSeconds = 6
const mostSeconds = 3_600

/** `demo`: the exit status; 1 when the promise was broken. */
export async function runDemo(flags: DemoFlags, program: Program): Promise<0 | 1> {
  const seconds = secondsIn(flags)
  const change: Change = flags.kill === true ? 'kill' : 'switchover'
  const isJson = flags.json === true
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  onShutdown({ close, deadlineMs: 10_000 })
  try {
    if (!isJson) console.log('starting 1 master, 2 replicas, 3 sentinels, and the proxy …')
    const group = await startEmbeddedGroup({ log: silentLogger })
    closers.push(() => group.close())
    const port = await freePort()
    const supervisor = await startProxy(group, port, program, closers)
    const screen = isJson ? null : new Screen(process.stdout)
    if (!isJson)
      console.log(`${String(clientCount)} clients connect to 127.0.0.1:${String(port)}\n`)
    const report = await play({ change, seconds, port, screen, stage: stageOf(group, supervisor) })
    console.log(isJson ? JSON.stringify(report, null, 2) : reportLines(report).join('\n'))
    return report.verdict === 'kept' ? 0 : 1
  } finally {
    await close()
  }
}

function secondsIn({ kill, switchover, seconds }: DemoFlags): number {
  if (kill === true && switchover === true) {
    throw new ConfigError(['kill, switchover: give one of them'])
  }
  const wanted = Number(seconds)
  if (Number.isInteger(wanted) && wanted >= leastSeconds && wanted <= mostSeconds) return wanted
  const allowed = `a whole number from ${String(leastSeconds)} to ${String(mostSeconds)}`
  throw new ConfigError([`seconds: ${JSON.stringify(seconds)} is not allowed; allowed: ${allowed}`])
}

/** As `up` runs it: a monitor and a worker, each a process. */
async function startProxy(
  group: EmbeddedGroup,
  port: number,
  { program, version }: Program,
  closers: (() => Promise<void>)[],
): Promise<Supervisor> {
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-run-'))
  closers.push(async () => {
    rmSync(folder, { recursive: true, force: true })
  })
  const sentinels = group.sentinels.map(addressKey).join(',')
  const config = loadConfig({
    flags: {
      sentinels,
      masterName: group.masterName,
      listen: `127.0.0.1:${String(port)}`,
      workers: '1',
      admin: 'off',
      logLevel: 'silent',
    },
  })
  let ready = (): void => undefined
  const isReady = new Promise<void>((resolve) => {
    ready = resolve
  })
  const supervisor = await supervise({
    config,
    feedPath: join(folder, 'feed.sock'),
    parts: ['monitor', 'proxyd'],
    program,
    version,
    log: silentLogger,
    onReady: ready,
    onChange: () => undefined,
  })
  closers.push(() => supervisor.close())
  await isReady
  return supervisor
}

/** What the play needs of the group and the proxy. */
function stageOf(group: EmbeddedGroup, { admin }: Supervisor): Stage {
  return {
    state: async () => admin.state(),
    switchOver: async () => (await admin.actions.failover?.({})) ?? {},
    kill(master) {
      const node = group.nodes.find(({ address }) => addressKey(address) === master)
      if (node !== undefined) group.kill(node, 'SIGKILL')
    },
    pause: (ms) => delay(ms),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}
