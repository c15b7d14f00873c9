import { loadScripts } from './group-scripts.ts'
import { observeGate, observeFollower } from './group-observers.ts'
import { ProxyError, reasonOf } from './base/errors.ts'
import { passingMemory } from './base/part-memory.ts'
import { Turn } from './base/turn.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import { tlsOf } from './config/tls.ts'
import { firstClientId, Listener } from './downstream/listener.ts'
import { ScriptMemory } from './downstream/script-memory.ts'
import type { SessionContext } from './downstream/session-context.ts'
import { dedicatedState, initialState } from './downstream/session-state.ts'
import { Follower } from './failover/follower.ts'
import { Gate } from './failover/gate.ts'
import { StallGuard, stallHold } from './failover/stall-guard.ts'
import type { Symptom } from './failover/symptoms.ts'
import type { GateReport } from './feed/messages.ts'
import type { Generation } from './dispatcher.ts'
import type { ProxydDeps } from './proxyd.ts'
import { learnedCommands } from './routing/command-reply.ts'
import { RequestFramer } from './protocol/request-framer.ts'
import { Router } from './routing/router.ts'
import type { DataPlaneCounters } from './telemetry/counters.ts'
import type { Logger } from './telemetry/logger.ts'
import type { View } from './topology/view.ts'
import { ask } from './upstream/ask.ts'
import { Upstream, type UpstreamOptions } from './upstream/upstream.ts'

/** The most that `holdWindow` may be told to be; timers could not be much longer. */
const longestWindowMs = 24 * 3_600_000

/** Tells the monitor what the data path has met. */
export type ReportSymptom = (what: Symptom, address: string, generation: number) => void

/** What a group's proxy asks of the rest of its process. */
export interface GroupProxyHooks {
  readonly report: ReportSymptom
  /** Has the monitor look who is master now. */
  readonly askMonitor: (token: string) => void
  /** Called before anything is made of what a client sent. */
  readonly beforeRead: () => void
}

/** One group: listener → gate → upstream, and the follower that leads the gate. */
export class GroupProxy {
  readonly listener: Listener
  readonly follower: Follower
  readonly gate: Gate
  readonly stall: StallGuard
  readonly #upstream: Upstream
  readonly #router: Router
  readonly #config: Config
  readonly #group: GroupConfig
  readonly #log: Logger
  #view: View | null = null
  /** A view came since the monitor was last away. */
  #isViewLive = false

  constructor(
    config: Config,
    group: GroupConfig,
    deps: ProxydDeps,
    counters: DataPlaneCounters,
    { report, askMonitor, beforeRead }: GroupProxyHooks,
  ) {
    const { clock } = deps
    const scripts = new ScriptMemory(config.scriptCacheBytes)
    const turn = new Turn()
    const memory = passingMemory()
    this.#router = new Router(
      new Map(group.renameCommands.map(({ command, renamed }) => [renamed, command])),
    )
    this.#config = config
    this.#group = group
    this.#log = deps.log.child({ group: group.masterName })
    this.gate = new Gate(
      {
        maxCommands: config.holdMaxCommands,
        maxBytes: config.holdMaxBytes,
        holdWindowMs: () => this.#holdWindowMs(),
        drainBatch: config.drainBatch,
        inDoubt: group.inDoubt,
      },
      clock,
      turn,
      observeGate(this, this.#log, counters, report, deps.changed),
    )
    const upstream = upstreamOptions(config, group)
    const { probeIdentity } = upstream
    this.#upstream = new Upstream(upstream, this.gate, clock, turn, memory)
    this.follower = new Follower(
      this.gate,
      (address) => this.#upstream.open(address),
      {
        switchGraceMs: config.switchGrace,
        isViewLive: () => this.#isViewLive,
        prepare: (next) => loadScripts(next, scripts, probeIdentity, clock, this.#log),
      },
      clock,
      observeFollower(this.#log, counters, (generation) => {
        void this.#study(generation)
      }),
    )
    this.stall = new StallGuard(this.follower, askMonitor, () => this.#stallHoldMs())
    this.listener = new Listener(
      {
        listen: group.listen,
        maxClients: config.maxClients,
        firstId: firstClientId + deps.worker,
        idStep: deps.workers,
      },
      {
        dispatcher: this.gate,
        router: this.#router,
        clock,
        turn,
        memory,
        counters,
        scripts,
        ...sessionOptions(config, group),
        serverAtLeast: (major, minor) => isAtLeast(this.follower.current?.version, major, minor),
        wantsAuth: () => this.follower.current?.wantsAuth ?? false,
        beforeRead,
        isHolding: () => this.gate.state.name !== 'open',
        generation: () => this.follower.current?.number ?? 0,
      },
    )
  }

  onView(view: View): void {
    this.#view = view
    this.#isViewLive = view.master !== null
    this.follower.follow(view.master)
  }

  /** The monitor is not heard: the view may be an old one. */
  onFeedLost(): void {
    this.#isViewLive = false
  }

  notReady(): string | null {
    const state = this.gate.state
    if (state.name === 'open' || state.name === 'draining') return null
    return `commands are ${state.name === 'holding' ? 'held' : 'refused'}: ${state.reason}`
  }

  /** What the monitor must know before it changes the master as planned. */
  gateReport(): Pick<GateReport, 'state' | 'holds' | 'inFlight' | 'upstream'> {
    const generation = this.follower.current
    return {
      state: this.gate.state.name,
      holds: this.follower.holds.filter((id) => id !== stallHold).map(Number),
      inFlight: generation?.inFlight() ?? 0,
      upstream: generation?.address ?? null,
    }
  }

  /** Everything that explains what this group's proxy does, as plain data. */
  state(): object {
    const gate = this.gate.state
    const generation = this.follower.current
    const leases: Record<string, number> = {}
    for (const session of this.listener.sessions.values()) {
      const reason = session.pinned?.reason ?? null
      if (reason !== null) leases[reason] = (leases[reason] ?? 0) + 1
    }
    return {
      master: this.#view?.master ?? null,
      why: this.#view?.why ?? 'the monitor has not been heard yet',
      configEpoch: this.#view?.configEpoch ?? null,
      gate: { name: gate.name, reason: 'reason' in gate ? gate.reason : null },
      holds: this.follower.holds,
      generation: generation?.number ?? 0,
      upstream: generation?.address ?? null,
      inFlight: generation?.inFlight() ?? 0,
      clients: this.listener.sessions.size,
      held: this.gate.queue.count,
      heldBytes: this.gate.queue.bytes,
      links: this.#upstream.census(),
      leases,
    }
  }

  /** Adds what this group has now to the gauges. */
  count(counters: DataPlaneCounters): void {
    let outstanding = 0
    for (const session of this.listener.sessions.values()) {
      outstanding += session.outstanding
      if (session.pinned !== null) counters.leases++
    }
    const { count, bytes } = this.gate.queue
    counters.held += count
    counters.heldBytes += bytes
    counters.inFlight += Math.max(0, outstanding - count)
    const census = this.#upstream.census()
    if (census === null) return
    counters.upstreamLinks.lane += census.lane
    counters.upstreamLinks.lease += census.lease
    counters.upstreamLinks.control += census.control
    counters.upstreamLinks.probe += census.greeter + census.prober + census.probe
  }

  async close(): Promise<void> {
    await this.listener.close(this.#config.shutdownTimeout)
    this.follower.close(new ProxyError('SHUTDOWN'))
  }

  /** Learns the commands of this very master: modules, newer servers. */
  async #study(generation: Generation): Promise<void> {
    const identity = upstreamOptions(this.#config, this.#group).probeIdentity
    try {
      const commands = learnedCommands(await ask(generation, identity, ['COMMAND']))
      if (commands.length > 0) this.#router.learn(commands, generation.version)
    } catch (thrown) {
      this.#log.info({ cause: reasonOf(thrown) }, 'the commands of the master were not learned')
    }
  }

  /** Long enough for a monitor that wakes together with us; a short hold window must outlast it. */
  #stallHoldMs(): number {
    return Math.min(2_000, this.#holdWindowMs() / 2)
  }

  /** `auto`: what the group itself needs to notice, and 5 s to act; at least 15 s. */
  #holdWindowMs(): number {
    const { holdWindow } = this.#group
    if (holdWindow !== 'auto') return holdWindow
    const needed = (this.#view?.downAfterMs ?? 0) + 5_000
    return Math.min(Math.max(15_000, needed), longestWindowMs)
  }
}

function sessionOptions(
  config: Config,
  group: GroupConfig,
): Pick<SessionContext, 'requestLimits' | 'framer' | 'limits' | 'firstState' | 'dedicated'> {
  const dedicated = group.poolMode === 'dedicated'
  const requestLimits = {
    maxInlineBytes: config.maxInline,
    maxBulkBytes: config.maxBulk,
    streamAboveBytes: config.streamAbove,
  }
  return {
    requestLimits,
    framer: new RequestFramer(requestLimits),
    limits: {
      outputPauseBytes: config.clientOutputPause,
      outputLimitBytes: config.clientOutputLimit,
      parkedBytes: config.clientOutputPause,
      transactionBytes: config.clientOutputPause,
    },
    firstState: dedicated ? dedicatedState : initialState,
    dedicated,
  }
}

function upstreamOptions(config: Config, group: GroupConfig): UpstreamOptions {
  const { upstreamUser: user, upstreamPassword: password } = group
  const auth = password === null ? null : user === null ? [password] : [user, password]
  return {
    tls: tlsOf(group, 'upstream'),
    clientName: 'switchmaster',
    connectTimeoutMs: config.connectTimeout,
    handshakeTimeoutMs: config.handshakeTimeout,
    keepAliveMs: config.linkKeepAlive,
    highWaterBytes: config.linkHighWater,
    slowReaderStallMs: config.slowReaderStall,
    linksPerLane: config.linksPerLane,
    lease: {
      max: group.poolMode === 'dedicated' ? config.maxClients : config.leasePoolMax,
      acquireTimeoutMs: config.leaseAcquireTimeout,
      maxWaiting: config.maxClients,
      idleMs: config.leaseIdle,
    },
    probeIdentity: {
      name: user ?? 'default',
      auth: auth === null ? null : auth.map((part) => Buffer.from(part)),
    },
  }
}

function isAtLeast(version: string | undefined, major: number, minor: number): boolean {
  const [, x = '0', y = '0'] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? []
  return Number(x) > major || (Number(x) === major && Number(y) >= minor)
}
