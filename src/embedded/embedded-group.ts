import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../base/address.ts'
import { addressKey, sameAddress } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { Guard } from './guard.ts'
import type { Reply } from './redis-call.ts'
import { redisCall } from './redis-call.ts'
import type { ServerProcess } from './server-process.ts'
import { isAlive, restartServer, startServer } from './server-process.ts'

export interface EmbeddedGroupOptions {
  readonly masterName?: string
  readonly replicas?: number
  readonly sentinels?: number
  /** How many sentinels must agree that the master is down. */
  readonly quorum?: number
  readonly downAfterMs?: number
  readonly failoverTimeoutMs?: number
  /** Where the folder of the group is made; the system's temporary folder by default. */
  readonly dir?: string
  /** Of the data nodes. */
  readonly password?: string
  readonly log?: Logger
}

/** A data node as it was at the start. */
export interface EmbeddedNode {
  readonly address: Address
  readonly pid: number
  readonly role: 'master' | 'replica'
}

/**
 * A Sentinel-run group of real servers on loopback, for a first look, demonstrations and tests.
 * It keeps nothing: no snapshots, a folder that only this user can enter and that goes at the end.
 */
export interface EmbeddedGroup {
  readonly masterName: string
  readonly sentinels: readonly Address[]
  readonly nodes: readonly EmbeddedNode[]
  /** Sends a signal to the server (or sentinel) at this address; SIGKILL, SIGSTOP, SIGCONT … */
  kill(node: { readonly address: Address }, signal: NodeJS.Signals): void
  /** Starts a server that has ended on its old port; resolves when it answers. */
  restart(node: { readonly address: Address }): Promise<void>
  /** Ends all servers and removes the folder. */
  close(): Promise<void>
}

const readyTimeoutMs = 30_000

/** Resolves when all replicas are online and every sentinel knows all replicas and sentinels. */
export async function startEmbeddedGroup(
  options: EmbeddedGroupOptions = {},
): Promise<EmbeddedGroup> {
  const folder = mkdtempSync(join(options.dir ?? tmpdir(), 'switchmaster-group-'))
  const guard = new Guard(folder)
  try {
    return await startAll(options, folder, guard)
  } catch (error) {
    await guard.close()
    throw error
  }
}

async function startAll(
  options: EmbeddedGroupOptions,
  folder: string,
  guard: Guard,
): Promise<EmbeddedGroup> {
  const { masterName = 'mymaster', password, log = silentLogger } = options
  const { replicas = 2, sentinels = 3 } = options
  const common = { folder, guard, password }
  const serverLines = [
    'save ""',
    'appendonly no',
    'repl-diskless-sync yes',
    'repl-diskless-sync-delay 0',
    ...(password === undefined ? [] : [`requirepass "${password}"`, `masterauth "${password}"`]),
  ]
  const start = (name: string, lines: readonly string[]): Promise<ServerProcess> =>
    startServer({ ...common, kind: 'server', name, lines })
  const master = await start('node-0', serverLines)
  const { host, port } = master.address
  const nodes = [
    master,
    ...(await Promise.all(
      numbers(replicas).map((n) =>
        start(`node-${n}`, [...serverLines, `replicaof ${host} ${port}`]),
      ),
    )),
  ]
  await until('replicas online', () => replicasOnline(master.address, replicas, password))
  const sentinelLines = [
    `sentinel monitor ${masterName} ${host} ${port} ${options.quorum ?? Math.min(2, sentinels)}`,
    `sentinel down-after-milliseconds ${masterName} ${options.downAfterMs ?? 1000}`,
    `sentinel failover-timeout ${masterName} ${options.failoverTimeoutMs ?? 10_000}`,
    `sentinel parallel-syncs ${masterName} 1`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${masterName} ${password}`]),
  ]
  const watchers = await Promise.all(
    numbers(sentinels).map((n) =>
      startServer({
        ...common,
        password: undefined,
        kind: 'sentinel',
        name: `sentinel-${n}`,
        lines: sentinelLines,
      }),
    ),
  )
  for (const { address } of watchers) {
    await until('sentinels agree', () => knowsAll(address, masterName, replicas, sentinels))
  }
  log.info({ folder, master: addressKey(master.address) }, 'embedded group is ready')
  return groupOf(masterName, nodes, watchers, guard, password)
}

function groupOf(
  masterName: string,
  nodes: readonly ServerProcess[],
  watchers: readonly ServerProcess[],
  guard: Guard,
  password: string | undefined,
): EmbeddedGroup {
  const find = (address: Address): ServerProcess => {
    const found = [...nodes, ...watchers].find((server) => sameAddress(server.address, address))
    if (found === undefined) {
      throw new ProxyError('REFUSED', `${addressKey(address)} is not of this group`)
    }
    return found
  }
  return {
    masterName,
    sentinels: watchers.map((server) => server.address),
    nodes: nodes.map((server, index) => ({
      address: server.address,
      pid: server.child.pid ?? 0,
      role: index === 0 ? 'master' : 'replica',
    })),
    kill(node, signal) {
      const { child } = find(node.address)
      if (isAlive(child)) child.kill(signal)
    },
    async restart(node) {
      const server = find(node.address)
      const isWatcher = watchers.includes(server)
      await restartServer(server, guard, isWatcher ? undefined : password)
    },
    async close() {
      await guard.close()
    },
  }
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs
  while (!(await isDone().catch(() => false))) {
    if (performance.now() > deadline) {
      throw new ProxyError('REFUSED', `embedded group: timeout while waiting for: ${what}`)
    }
    await delay(50)
  }
}

async function replicasOnline(
  master: Address,
  wanted: number,
  password: string | undefined,
): Promise<boolean> {
  const info = await redisCall(master, ['INFO', 'replication'], { password })
  return typeof info === 'string' && (info.match(/state=online/g) ?? []).length >= wanted
}

async function knowsAll(
  sentinel: Address,
  masterName: string,
  replicas: number,
  sentinels: number,
): Promise<boolean> {
  const facts = asRecord(await redisCall(sentinel, ['SENTINEL', 'MASTER', masterName]))
  return (
    facts.flags === 'master' &&
    facts['num-slaves'] === String(replicas) &&
    facts['num-other-sentinels'] === String(sentinels - 1)
  )
}

function asRecord(reply: Reply): Readonly<Record<string, string>> {
  if (!Array.isArray(reply)) return {}
  const record: Record<string, string> = {}
  for (let i = 0; i + 1 < reply.length; i += 2) record[String(reply[i])] = String(reply[i + 1])
  return record
}
