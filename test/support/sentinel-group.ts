import { startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'
import { freePort } from './ports.ts'
import type { Arg, Reply } from './resp.ts'
import { until } from './until.ts'

export interface SentinelGroupOptions {
  readonly name?: string
  readonly replicas?: number
  readonly sentinels?: number
  /** More than half of the sentinels unless told. */
  readonly quorum?: number
  readonly downAfterMs?: number
  /** Milliseconds; also spaces failovers: a second one waits twice this after a failed try. */
  readonly failoverTimeoutMs?: number
  /** Further lines for each data node, and for each sentinel. */
  readonly nodeConfig?: readonly string[]
  readonly sentinelConfig?: readonly string[]
  /** Password of the data nodes (requirepass and masterauth). */
  readonly password?: string
  /** Password of the sentinels. */
  readonly sentinelPassword?: string
}

/** One master, some replicas and some sentinels, all real, all known to each other. */
export class SentinelGroup {
  readonly name: string
  readonly nodes: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  #master: RedisServer
  #oldMaster: RedisServer | undefined

  constructor(name: string, nodes: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    const [first] = nodes
    if (first === undefined) throw new Error('a group needs a master')
    this.name = name
    this.nodes = nodes
    this.sentinels = sentinels
    this.#master = first
  }

  /** `host:port,…` as `--sentinels` takes it. */
  get sentinelList(): string {
    return this.sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(',')
  }

  /** The master as last established by `master()`, `kill…` or a failover of this class. */
  get knownMaster(): RedisServer {
    return this.#master
  }

  /** The master before the last change that was seen. */
  get oldMaster(): RedisServer {
    if (this.#oldMaster === undefined) throw new Error('the master has not changed yet')
    return this.#oldMaster
  }

  /** The port that the majority of the answering sentinels names. */
  async currentMasterPort(): Promise<number> {
    const votes = new Map<number, number>()
    for (const sentinel of this.sentinels) {
      if (!sentinel.running) continue
      const port = await this.#named(sentinel)
      votes.set(port, (votes.get(port) ?? 0) + 1)
    }
    const [winner] = [...votes].sort((a, b) => b[1] - a[1])
    if (winner === undefined) throw new Error('no sentinel answers')
    return winner[0]
  }

  /** The node that the sentinels name now. */
  async master(): Promise<RedisServer> {
    const port = await this.currentMasterPort()
    this.#adopt(this.#nodeAt(port))
    return this.#master
  }

  get replicas(): RedisServer[] {
    return this.nodes.filter((node) => node !== this.#master)
  }

  /** Resolves with the new master when every running sentinel names another than `before`. */
  async switched(before: RedisServer, withinMs = 20_000): Promise<RedisServer> {
    const agreed = async (): Promise<RedisServer | false> => {
      const running = this.sentinels.filter((sentinel) => sentinel.running)
      const ports = new Set(await Promise.all(running.map((sentinel) => this.#named(sentinel))))
      const [port] = [...ports]
      if (ports.size !== 1 || port === undefined || port === before.port) return false
      const node = this.#nodeAt(port)
      return node.running && (await node.info('replication', 'role')) === 'master' && node
    }
    const node = await until(agreed, { within: withinMs, what: 'the sentinels to switch' })
    this.#adopt(node)
    return node
  }

  /** Asks one sentinel for a failover and waits for the switch; -INPROG and the like are asked again. */
  async sentinelFailover(withinMs = 20_000): Promise<RedisServer> {
    const before = await this.master()
    await this.requestFailover(withinMs)
    return this.switched(before, withinMs)
  }

  /** Only asks; resolves when a sentinel has accepted. */
  async requestFailover(withinMs = 20_000): Promise<void> {
    const accepted = async (): Promise<boolean> => {
      const sentinel = this.sentinels.find((candidate) => candidate.running)
      return (await sentinel?.command('SENTINEL', 'FAILOVER', this.name)) === 'OK'
    }
    await until(accepted, { within: withinMs, every: 100, what: 'a sentinel to accept FAILOVER' })
  }

  /** SIGKILL of the current master; its process is gone when this resolves. */
  async killMaster(): Promise<RedisServer> {
    const victim = await this.master()
    await victim.kill()
    return victim
  }

  /** Every node and sentinel runs, every replica is linked, every sentinel knows all of them. */
  async whole(withinMs = 30_000): Promise<void> {
    await until(() => this.#isWhole(), {
      within: withinMs,
      every: 100,
      what: 'the group to be whole',
    })
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.nodes].map((server) => server.stop()))
  }

  #adopt(node: RedisServer): void {
    if (node === this.#master) return
    this.#oldMaster = this.#master
    this.#master = node
  }

  #nodeAt(port: number): RedisServer {
    const node = this.nodes.find((candidate) => candidate.port === port)
    if (node === undefined) throw new Error(`port ${port} is none of this group`)
    return node
  }

  async #named(sentinel: RedisServer): Promise<number> {
    const reply = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name)
    return Array.isArray(reply) ? Number(reply[1]) : 0
  }

  async #isWhole(): Promise<boolean> {
    const master = await this.master()
    const linked = await master.info('replication', 'connected_slaves')
    if (Number(linked) !== this.nodes.length - 1) return false
    for (const replica of this.replicas) {
      if ((await replica.info('replication', 'master_link_status')) !== 'up') return false
      if ((await replica.info('replication', 'master_port')) !== String(master.port)) return false
    }
    for (const sentinel of this.sentinels) {
      if ((await this.#named(sentinel)) !== master.port) return false
      const fields = fieldsOf(await sentinel.command('SENTINEL', 'MASTER', this.name))
      const others = Number(fields.get('num-other-sentinels'))
      if (fields.get('flags') !== 'master' || others !== this.sentinels.length - 1) return false
      if (!(await this.#knowsReplicas(sentinel, master))) return false
    }
    return true
  }

  async #knowsReplicas(sentinel: RedisServer, master: RedisServer): Promise<boolean> {
    const list = await sentinel.command('SENTINEL', 'REPLICAS', this.name)
    if (!Array.isArray(list) || list.length !== this.nodes.length - 1) return false
    return list.every((entry: Reply) => {
      const fields = fieldsOf(entry)
      const follows = fields.get('master-port') === String(master.port)
      return fields.get('flags') === 'slave' && follows && fields.get('master-link-status') === 'ok'
    })
  }
}

/** A flat array of names and values, as SENTINEL MASTER answers, as a map. */
export function fieldsOf(reply: Reply): Map<string, string> {
  const fields = new Map<string, string>()
  if (!Array.isArray(reply)) return fields
  for (let n = 0; n + 1 < reply.length; n += 2) fields.set(String(reply[n]), String(reply[n + 1]))
  return fields
}

export async function startSentinelGroup(
  options: SentinelGroupOptions = {},
): Promise<SentinelGroup> {
  const name = options.name ?? 'mymaster'
  const started: RedisServer[] = []
  const launch = async (launching: Promise<RedisServer>): Promise<RedisServer> => {
    const server = await launching
    started.push(server)
    return server
  }
  try {
    const master = await launch(startNode(options))
    const nodes = [master]
    for (let n = 0; n < (options.replicas ?? 2); n += 1) {
      nodes.push(await launch(startNode(options, master.port)))
    }
    const sentinels: RedisServer[] = []
    for (let n = 0; n < (options.sentinels ?? 3); n += 1) {
      sentinels.push(await launch(startSentinel(name, master.port, options)))
    }
    const group = new SentinelGroup(name, nodes, sentinels)
    await group.whole()
    return group
  } catch (error) {
    await Promise.all(started.map((server) => server.stop()))
    throw error
  }
}

async function startNode(options: SentinelGroupOptions, masterPort?: number): Promise<RedisServer> {
  const config = [...(options.nodeConfig ?? [])]
  if (masterPort !== undefined) config.push(`replicaof 127.0.0.1 ${masterPort}`)
  const password = options.password
  if (password === undefined) return startRedis({ config })
  config.push(`requirepass ${password}`, `masterauth ${password}`)
  return startRedis({ config, auth: [password] })
}

async function startSentinel(
  name: string,
  masterPort: number,
  options: SentinelGroupOptions,
): Promise<RedisServer> {
  const quorum = options.quorum ?? Math.floor((options.sentinels ?? 3) / 2) + 1
  const config = [
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${options.downAfterMs ?? 1_000}`,
    `sentinel failover-timeout ${name} ${options.failoverTimeoutMs ?? 10_000}`,
    `sentinel parallel-syncs ${name} 2`,
    ...(options.sentinelConfig ?? []),
  ]
  if (options.password !== undefined) config.push(`sentinel auth-pass ${name} ${options.password}`)
  const port = await freePort()
  const secret = options.sentinelPassword
  if (secret === undefined) return startRedis({ port, config, sentinel: true })
  config.push(`requirepass ${secret}`, `sentinel sentinel-pass ${secret}`)
  return startRedis({ port, config, sentinel: true, auth: [secret] })
}

/** A command to every server given, answers in the same order. */
export function askAll(servers: readonly RedisServer[], ...args: readonly Arg[]): Promise<Reply[]> {
  return Promise.all(servers.map((server) => server.command(...args)))
}
