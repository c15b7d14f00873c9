import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from './base/clock.ts'
import { ProxyError } from './base/errors.ts'
import { Turn } from './base/turn.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import { Listener } from './downstream/listener.ts'
import { dedicatedState, initialState } from './downstream/session-state.ts'
import { Follower } from './failover/follower.ts'
import { Gate, type HoldReason } from './failover/gate.ts'
import type { Symptom } from './failover/symptoms.ts'
import { FeedClient } from './feed/feed-client.ts'
import type { SymptomKind } from './feed/messages.ts'
import { Router } from './routing/router.ts'
import type { Traits } from './routing/traits.ts'
import { DataPlaneCounters } from './telemetry/counters.ts'
import { observe } from './telemetry/histogram.ts'
import type { Logger } from './telemetry/logger.ts'
import type { View } from './topology/view.ts'
import { Upstream } from './upstream/upstream.ts'

/** What a data plane needs from its process. */
export interface ProxydDeps {
  readonly log: Logger
  readonly clock: Clock
  /** Path of the monitor's unix socket. */
  readonly feedPath: string
  /** 0 for the first worker; keeps client ids of several workers apart. */
  readonly worker: number
  readonly workers: number
  /** Called when `state` or `notReady` says something new. */
  readonly changed: () => void
}

/** A running data plane. */
export interface Proxyd {
  /** The counters, with the gauges brought up to date. */
  count(): DataPlaneCounters
  /** The ports clients may connect to, one list per group. */
  readonly ports: readonly number[]
  /** Everything that explains what it does, as plain data. */
  state(): object
  /** Why it is not ready, or null when it is. */
  notReady(): string | null
  /** Graceful: no new clients, what is in flight is answered, then everything is closed. */
  close(): Promise<void>
}

/** Starts the data plane; resolves when every group's addresses accept clients. */
export async function startProxyd(config: Config, deps: ProxydDeps): Promise<Proxyd> {
  const counters = new DataPlaneCounters()
  const groups = new Map<string, GroupProxy>()
  for (const group of config.groups) {
    const report = (what: Symptom, address: string, generation: number): void => {
      const kind: SymptomKind = what === 'unblocked' ? 'not-master' : what
      feed.send({ type: 'symptom', group: group.masterName, what: kind, address, generation })
    }
    groups.set(group.masterName, new GroupProxy(config, group, deps, counters, report))
  }
  const feed = new FeedClient(
    { path: deps.feedPath },
    {
      onView: (view) => groups.get(view.group)?.onView(view),
      onHold: (group, { id, ttlMs }) =>
        groups.get(group)?.follower.hold(String(id), 'failover', ttlMs),
      onRelease: (group, id) => groups.get(group)?.follower.release(String(id)),
      onState: () => undefined,
    },
    deps,
  )
  const all = [...groups.values()]
  await Promise.all(all.map((group) => group.listener.open()))
  return {
    count() {
      for (const group of all) group.count()
      return counters
    },
    ports: all.flatMap((group) => group.listener.ports),
    state: () => ({
      feed: { state: feed.state, ageMs: feed.ageMs() },
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, group.state()])),
    }),
    notReady: () => all.map((group) => group.notReady()).find((why) => why !== null) ?? null,
    async close() {
      await Promise.all(all.map((group) => group.close()))
      feed.close()
    },
  }
}

const localTraits: Traits = {
  name: '',
  route: 'lane',
  reason: null,
  verb: null,
  replay: 'read',
  replayByArgs: false,
  heavy: false,
  write: false,
}

const holdLabels: Record<HoldReason, keyof DataPlaneCounters['holds']> = {
  'link-lost': 'link-lost',
  readonly: 'not-master',
  loading: 'not-master',
  masterdown: 'not-master',
  unblocked: 'not-master',
  starting: 'start',
  failover: 'announced',
  switch: 'announced',
  operator: 'manual',
}

/** One group: listener → gate → upstream, and the follower that leads the gate. */
class GroupProxy {
  readonly listener: Listener
  readonly follower: Follower
  readonly #gate: Gate
  readonly #upstream: Upstream
  readonly #counters: DataPlaneCounters
  readonly #config: Config
  #view: View | null = null

  constructor(
    config: Config,
    group: GroupConfig,
    deps: ProxydDeps,
    counters: DataPlaneCounters,
    report: (what: Symptom, address: string, generation: number) => void,
  ) {
    const { clock } = deps
    const log = deps.log.child({ group: group.masterName })
    const turn = new Turn()
    this.#counters = counters
    this.#config = config
    this.#gate = new Gate(
      {
        maxCommands: config.holdMaxCommands,
        maxBytes: config.holdMaxBytes,
        holdWindowMs: () => this.#holdWindowMs(group),
        drainBatch: config.drainBatch,
        inDoubt: group.inDoubt,
      },
      clock,
      turn,
      {
        onMove: (from, to, heldMs) => {
          if (to.name === 'holding') counters.holds[holdLabels[to.reason]]++
          if (to.name === 'open') observe(counters.holdSeconds, heldMs / 1000)
          const reason = 'reason' in to ? to.reason : undefined
          log.info({ from, to: to.name, reason, heldMs: Math.round(heldMs) }, 'the gate moved')
          deps.changed()
        },
        onSymptom: (what, generation, detail) => {
          log.warn({ what, detail, address: generation?.address }, 'the master shows a symptom')
          this.follower.symptom(what, generation)
          if (generation !== null) report(what, generation.address, generation.number)
        },
        onIdentityRefused: (identity) => {
          log.warn(
            { user: identity.name },
            'the master refuses this user now; its clients are closed',
          )
          this.listener.closeIdentity(identity)
        },
        onReplay: (by) => counters.replayed[by]++,
        onInDoubt: () => counters.inDoubt++,
        onRefused: (why) => counters.refused[why]++,
      },
    )
    this.#upstream = new Upstream(upstreamOptions(config, group), this.#gate, clock, turn)
    this.follower = new Follower(
      this.#gate,
      (address) => this.#upstream.open(address),
      { switchGraceMs: config.switchGrace },
      clock,
      {
        onSwitch: (from, to) => {
          if (from !== null) counters.switches++
          counters.generation = to.number
          log.info({ from: from?.address, to: to.address, generation: to.number }, 'now following')
        },
        onResume: (generation) => {
          log.info({ address: generation.address }, 'the same master goes on')
        },
        onAttemptFailed: (address, cause) => {
          log.debug({ address, cause }, 'the master cannot be used yet')
        },
      },
    )
    this.listener = new Listener(
      {
        listen: group.listen,
        maxClients: config.maxClients,
        firstId: deps.worker + 1,
        idStep: deps.workers,
      },
      {
        dispatcher: this.#gate,
        router: new Router(),
        clock,
        turn,
        requestLimits: {
          maxInlineBytes: config.maxInline,
          maxBulkBytes: config.maxBulk,
          streamAboveBytes: config.streamAbove,
        },
        limits: {
          outputPauseBytes: config.clientOutputPause,
          outputLimitBytes: config.clientOutputLimit,
          parkedBytes: config.clientOutputPause,
          transactionBytes: config.clientOutputPause,
        },
        counters,
        localTraits,
        firstState: group.poolMode === 'dedicated' ? dedicatedState : initialState,
        dedicated: group.poolMode === 'dedicated',
        serverAtLeast: (major, minor) =>
          isAtLeast(this.follower.current?.version ?? '', major, minor),
        wantsAuth: () => this.follower.current?.wantsAuth ?? false,
        isHolding: () => this.#gate.state.name !== 'open',
        generation: () => this.follower.current?.number ?? 0,
      },
    )
  }

  onView(view: View): void {
    this.#view = view
    this.follower.follow(view.master)
  }

  notReady(): string | null {
    const state = this.#gate.state
    if (state.name === 'open' || state.name === 'draining') return null
    return `commands are ${state.name === 'holding' ? 'held' : 'refused'}: ${state.reason}`
  }

  state(): object {
    const gate = this.#gate.state
    const generation = this.follower.current
    const leases: Record<string, number> = {}
    for (const session of this.listener.sessions.values()) {
      const { reason } = session.pin
      if (reason !== null) leases[reason] = (leases[reason] ?? 0) + 1
    }
    this.count()
    return {
      master: this.#view?.master === undefined ? null : this.#view.master,
      why: this.#view?.why ?? 'the monitor has not been heard yet',
      configEpoch: this.#view?.configEpoch ?? null,
      gate: { name: gate.name, reason: 'reason' in gate ? gate.reason : null },
      holds: this.follower.holds,
      generation: generation?.number ?? 0,
      upstream: generation?.address ?? null,
      clients: this.listener.sessions.size,
      held: this.#gate.queue.count,
      heldBytes: this.#gate.queue.bytes,
      links: this.#upstream.census(),
      leases,
    }
  }

  /** Brings the gauges up to date; called before they are read. */
  count(): void {
    const counters = this.#counters
    let outstanding = 0
    let leases = 0
    for (const session of this.listener.sessions.values()) {
      outstanding += session.outstanding
      if (session.pin.held) leases++
    }
    counters.held = this.#gate.queue.count
    counters.heldBytes = this.#gate.queue.bytes
    counters.inFlight = Math.max(0, outstanding - counters.held)
    counters.leases = leases
    const census = this.#upstream.census()
    if (census === null) return
    counters.upstreamLinks.lane = census.lane
    counters.upstreamLinks.lease = census.lease
    counters.upstreamLinks.control = census.control
    counters.upstreamLinks.probe = census.greeter + census.prober + census.probe
  }

  async close(): Promise<void> {
    await this.listener.close(this.#config.shutdownTimeout)
    this.follower.close(new ProxyError('SHUTDOWN'))
  }

  /** `auto`: what the group itself needs to notice, and 5 s to act; at least 15 s. */
  #holdWindowMs(group: GroupConfig): number {
    if (group.holdWindow !== 'auto') return group.holdWindow
    return Math.max(15_000, (this.#view?.downAfterMs ?? 0) + 5_000)
  }
}

function upstreamOptions(
  config: Config,
  group: GroupConfig,
): ConstructorParameters<typeof Upstream>[0] {
  const { upstreamUser: user, upstreamPassword: password } = group
  const auth = password === null ? null : user === null ? [password] : [user, password]
  return {
    tls: group.upstreamTls ? tlsOptions(group) : null,
    clientName: 'switchmaster',
    handshakeTimeoutMs: config.handshakeTimeout,
    highWaterBytes: config.linkHighWater,
    slowReaderStallMs: config.slowReaderStall,
    linksPerLane: config.linksPerLane,
    lease: {
      max: config.leasePoolMax,
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

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, x = '0', y = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? []
  return Number(x) > major || (Number(x) === major && Number(y) >= minor)
}

function tlsOptions(group: GroupConfig): ConnectionOptions {
  const read = (path: string | null): Buffer | undefined =>
    path === null ? undefined : readFileSync(path)
  const options: ConnectionOptions = {}
  const ca = read(group.upstreamTlsCa)
  const cert = read(group.upstreamTlsCert)
  const key = read(group.upstreamTlsKey)
  if (ca !== undefined) options.ca = ca
  if (cert !== undefined) options.cert = cert
  if (key !== undefined) options.key = key
  if (group.upstreamTlsServername !== null) options.servername = group.upstreamTlsServername
  return options
}
