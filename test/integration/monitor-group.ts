import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Address } from '../../src/base/address.ts'

/** A real group for the tests of the monitor: 1 master, 2 replicas, 3 sentinels on loopback. */

export const GROUP = 'mymaster'

export interface Server {
  readonly port: number
  child: ChildProcess
  readonly args: readonly string[]
  readonly password?: string | undefined
}

export interface TestGroup {
  readonly folder: string
  readonly nodes: readonly Server[]
  readonly sentinels: readonly Server[]
  sentinelAddresses(): Address[]
  signal(server: Server, signal: NodeJS.Signals): void
  /** Starts a server that is dead again, on the same port and configuration. */
  restart(server: Server): void
  /** One command on a connection of its own. */
  call(server: Server, ...args: [string, ...string[]]): Promise<unknown>
  stop(): Promise<void>
}

/** Resolves with the first value that is neither false nor null; rejects after the deadline. */
export async function until<T>(
  what: string,
  probe: () => T | false | null | Promise<T | false | null>,
  deadlineMs = 15_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== false && value !== null) return value
    if (performance.now() > end) throw new Error(`waited ${String(deadlineMs)} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve)
      })
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve)
        }),
    ),
  )
  return ports
}

export async function call(
  { port, password }: { port: number; password?: string | undefined },
  ...args: [string, ...string[]]
): Promise<unknown> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    ...(password === undefined ? {} : { password }),
    protocol: 2,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    connectTimeout: 500,
    commandTimeout: 2_000,
  })
  redis.on('error', () => {
    // The rejection of connect says it.
  })
  try {
    await redis.connect()
    const [name, ...rest] = args
    return await redis.call(name, ...rest)
  } finally {
    redis.disconnect()
  }
}

export interface GroupSettings {
  readonly downAfterMs: number
  readonly failoverTimeoutMs: number
  /** Of all nodes and all sentinels. */
  readonly password?: string
}

export async function startGroup(
  settings: GroupSettings = { downAfterMs: 1_000, failoverTimeoutMs: 10_000 },
): Promise<TestGroup> {
  const { password } = settings
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-monitor-'))
  const ports = await freePorts(6)
  const masterPort = String(ports[0])
  const start = (port: number, lines: readonly string[], sentinel: boolean): Server => {
    const file = join(folder, `${String(port)}.conf`)
    const common = [`port ${String(port)}`, 'bind 127.0.0.1', `dir ${folder}`, 'daemonize no']
    if (password !== undefined) common.push(`requirepass ${password}`)
    writeFileSync(file, [...common, ...lines, ''].join('\n'))
    const args = sentinel ? [file, '--sentinel'] : [file]
    return { port, args, password, child: spawn('redis-server', args, { stdio: 'ignore' }) }
  }
  const data = ['save ""', 'repl-diskless-sync-delay 0', 'enable-debug-command local']
  if (password !== undefined) data.push(`masterauth ${password}`)
  const nodes = ports.slice(0, 3).map((port, index) => {
    const replica = index === 0 ? [] : [`replicaof 127.0.0.1 ${masterPort}`]
    return start(port, [...data, `dbfilename ${String(port)}.rdb`, ...replica], false)
  })
  await until('replicas in step', () => linked(nodes))
  const watch = [
    `sentinel monitor ${GROUP} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${GROUP} ${String(settings.downAfterMs)}`,
    `sentinel failover-timeout ${GROUP} ${String(settings.failoverTimeoutMs)}`,
  ]
  if (password !== undefined) {
    watch.push(`sentinel auth-pass ${GROUP} ${password}`, `sentinel sentinel-pass ${password}`)
  }
  const sentinels = ports.slice(3).map((port) => start(port, watch, true))
  const group: TestGroup = {
    folder,
    nodes,
    sentinels,
    sentinelAddresses: () => sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    signal(server, signal) {
      server.child.kill(signal)
    },
    restart(server) {
      server.child = spawn('redis-server', server.args, { stdio: 'ignore' })
    },
    call: (server, ...args) => call(server, ...args),
    async stop() {
      for (const { child } of [...nodes, ...sentinels]) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        await gone
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await until('sentinels know each other', () => complete(sentinels))
  return group
}

async function linked(nodes: readonly Server[]): Promise<boolean> {
  for (const node of nodes.slice(1)) {
    const role = await call(node, 'ROLE').catch(() => null)
    if (!Array.isArray(role) || role[3] !== 'connected') return false
  }
  return true
}

/** Each sentinel knows the two replicas and the two other sentinels. */
export async function complete(sentinels: readonly Server[]): Promise<boolean> {
  for (const sentinel of sentinels) {
    const reply = await call(sentinel, 'SENTINEL', 'MASTER', GROUP).catch(() => null)
    const fields = Array.isArray(reply) ? reply.map(String) : []
    const value = (name: string): string | undefined => fields[fields.indexOf(name) + 1]
    if (value('num-slaves') !== '2' || value('num-other-sentinels') !== '2') return false
  }
  return true
}
