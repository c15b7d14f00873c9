import { randomUUID } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { addressKey } from './base/address.ts'
import type { Address } from './base/address.ts'
import type { Clock } from './base/clock.ts'
import { ProxyError } from './base/errors.ts'
import type { Log } from './base/log.ts'
import { GroupDiscovery } from './discovery/group-discovery.ts'
import type { SentinelProvider } from './discovery/providers.ts'
import { linkDefaults } from './discovery/redis-link.ts'
import type { Credentials } from './discovery/redis-link.ts'
import { FeedServer } from './feed/feed-server.ts'
import type { FeedMessage, GateReport, ReaderMessage } from './feed/messages.ts'
import { DataPlanes } from './switchover/data-planes.ts'
import { Operations } from './switchover/operations.ts'
import { changesBetween } from './topology/changes.ts'
import type { Evidence, PollEvidence } from './topology/evidence.ts'
import type { HoldSign } from './topology/holds.ts'
import { Looks } from './topology/looks.ts'
import { initialState, voteRules } from './topology/state.ts'
import type { VoteRules, VoteState } from './topology/state.ts'
import type { View } from './topology/view.ts'
import { vote } from './topology/vote.ts'
import type { VoteOutcome } from './topology/vote.ts'

/** One Sentinel-run group to follow. */
export interface GroupOptions {
  /** The name under which the sentinels know it. */
  readonly name: string
  /** Where the addresses of its sentinels come from. */
  readonly provider: SentinelProvider
  /** How often it is asked again; 10 s unless told. */
  readonly providerIntervalMs?: number
  readonly sentinelAuth?: Credentials
  readonly sentinelTls?: ConnectionOptions
  readonly nodeAuth?: Credentials
  readonly nodeTls?: ConnectionOptions
  /** Never a master: our own listeners. */
  readonly forbidden?: readonly Address[]
  /** From `host:port` as announced to the address under which we reach it. */
  readonly addressMap?: ReadonlyMap<string, Address>
  readonly rules?: Partial<Omit<VoteRules, 'group' | 'forbidden'>>
}

export interface MonitorOptions {
  readonly groups: readonly GroupOptions[]
  /** Path of the feed's unix socket; null: no feed, the monitor is used in-process. */
  readonly feedPath: string | null
  readonly pollIntervalMs?: number
}

export interface MonitorDeps {
  readonly clock: Clock
  readonly log: Log
  /** Epoch milliseconds. */
  readonly wall?: () => number
  /** Every message of the feed, for use in-process. */
  readonly onMessage?: (message: FeedMessage) => void
  /** Each observation, for counting and for tests. */
  readonly onEvidence?: (group: string, evidence: Evidence) => void
  readonly onAlarm?: (group: string, text: string) => void
}

export interface Monitor {
  /** The view of a group; of the first one when none is named. */
  view(group?: string): View
  /** Everything that explains the views, as plain data. */
  describe(): object
  /** Milliseconds since a sentinel of the group gave a sign of life; null: none did. */
  ageMs(group: string): number | null
  /** As from a reader of the feed, for use in-process. */
  tell(message: ReaderMessage): void
  /** What people may ask of a group. */
  operations(group: string): Operations
  close(): Promise<void>
}

/** Starts to watch. Resolves when the feed listens; a master may not be known yet. */
export async function startMonitor(options: MonitorOptions, deps: MonitorDeps): Promise<Monitor> {
  const groups = new Map<string, GroupMonitor>()
  const planes = new DataPlanes()
  const instance = randomUUID()
  let feed: FeedServer | null = null
  const publish = (message: FeedMessage): void => {
    feed?.publish(message)
    deps.onMessage?.(message)
  }
  for (const group of options.groups) {
    const pollIntervalMs = options.pollIntervalMs ?? 1_000
    const planesOf = (): readonly GateReport[] => planes.of(group.name)
    groups.set(group.name, new GroupMonitor(group, pollIntervalMs, deps, publish, planesOf))
  }
  const tell = (message: ReaderMessage, reader = 0): void => {
    if (message.type === 'gate') planes.tell(reader, message)
    else groups.get(message.group)?.tell(message)
  }
  if (options.feedPath !== null) {
    feed = await FeedServer.listen(
      { path: options.feedPath },
      {
        clock: deps.clock,
        log: deps.log,
        snapshot: () => [...groups.values()].flatMap((group) => group.welcome(instance)),
        heartbeat: () => ({
          type: 'heartbeat',
          ages: Object.fromEntries([...groups].map(([name, group]) => [name, group.ageMs()])),
        }),
        onReader: tell,
        onReaderGone: (reader) => {
          planes.gone(reader)
        },
      },
    )
  }
  for (const group of groups.values()) group.start()
  const groupOf = (name: string | undefined): GroupMonitor => {
    const group = name === undefined ? [...groups.values()][0] : groups.get(name)
    if (group === undefined) throw new ProxyError('REFUSED', `no group ${name ?? ''} is watched`)
    return group
  }
  return {
    view: (name) => groupOf(name).view,
    operations: (name) => groupOf(name).operations,
    ageMs: (name) => groups.get(name)?.ageMs() ?? null,
    describe: () => ({
      readers: feed?.readers ?? 0,
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, group.describe()])),
    }),
    tell: (message) => {
      tell(message)
    },
    async close() {
      for (const group of groups.values()) group.close()
      await feed?.close()
    },
  }
}

/** One group: its senses, its vote, and what is told of them. */
class GroupMonitor {
  readonly #deps: MonitorDeps
  readonly #publish: (message: FeedMessage) => void
  readonly #discovery: GroupDiscovery
  readonly operations: Operations
  readonly #looks = new Looks()
  readonly #counts: Record<Evidence['kind'], number> = {
    poll: 0,
    event: 0,
    hello: 0,
    role: 0,
    'role-failed': 0,
    lost: 0,
    configured: 0,
    seen: 0,
    tick: 0,
  }
  #state: VoteState

  constructor(
    group: GroupOptions,
    pollIntervalMs: number,
    deps: MonitorDeps,
    publish: (message: FeedMessage) => void,
    planes: () => readonly GateReport[],
  ) {
    this.#deps = deps
    this.#publish = publish
    const forbidden = new Set((group.forbidden ?? []).map(addressKey))
    this.#state = initialState({ ...voteRules(group.name, group.rules), forbidden })
    const reach = {
      group: group.name,
      sentinelLink: linkOptions(group.sentinelAuth, group.sentinelTls),
      nodeLink: linkOptions(group.nodeAuth, group.nodeTls),
      addressMap: group.addressMap ?? new Map<string, Address>(),
    }
    this.operations = new Operations(reach, {
      ...deps,
      publish,
      planes,
      view: () => this.#state.view,
      isFailingOver: () => this.#state.hold !== null,
    })
    this.#discovery = new GroupDiscovery(
      {
        ...reach,
        provider: group.provider,
        providerIntervalMs: group.providerIntervalMs ?? 10_000,
        pollIntervalMs,
      },
      {
        clock: deps.clock,
        log: deps.log,
        wall: this.#wall,
        onEvidence: (evidence) => {
          this.#step(evidence)
        },
      },
    )
  }

  get view(): View {
    return this.#state.view
  }

  start(): void {
    this.#discovery.start()
  }

  close(): void {
    this.operations.close()
    this.#discovery.close()
  }

  /** What a new reader is told of this group. */
  welcome(instance: string): readonly FeedMessage[] {
    const { view, hold } = this.#state
    const notice: HoldSign | null =
      hold === null
        ? null
        : {
            id: hold.id,
            reason: hold.reason,
            ttlMs: Math.max(0, Math.round(hold.expiresAt - this.#deps.clock.now())),
          }
    const planned = this.operations.notices()
    const holds = [...(notice === null ? [] : [notice]), ...planned].map(({ id }) => id)
    const { group, epochRestart } = view
    return [
      { type: 'snapshot', view, hold: notice, epochRestart, inForce: { instance, holds } },
      ...planned.map((each) => ({ type: 'hold' as const, group, ...each })),
    ]
  }

  /** Milliseconds since any sentinel gave a sign of life; null: none did. */
  ageMs(): number | null {
    const seen = [...this.#state.sentinels.values()].map((record) => record.lastSeen?.at ?? -1)
    const last = Math.max(-1, ...seen)
    return last < 0 ? null : Math.max(0, this.#deps.clock.now() - last)
  }

  tell(message: Exclude<ReaderMessage, { type: 'gate' }>): void {
    if (message.type === 'seen') {
      this.#step({ kind: 'seen', ...this.#stamp(), configEpoch: message.configEpoch })
      return
    }
    if (message.type === 'look') {
      this.#looks.begin(message.token, this.#deps.clock.now())
      this.#lookNow()
      return
    }
    const { what, address, generation } = message
    this.#deps.log.info({ what, address, generation }, 'a reader of the feed met a symptom')
    this.#lookNow()
  }

  #lookNow(): void {
    this.#discovery.poll()
    const { master } = this.#state.view
    if (master !== null) this.#discovery.probe([master])
  }

  describe(): object {
    const { hold, sentinels, nodes, alarms, view } = this.#state
    return {
      view,
      ageMs: this.ageMs(),
      hold: hold === null ? null : { ...hold, signs: Object.fromEntries(hold.signs) },
      alarms: [...alarms],
      evidence: this.#counts,
      subscribed: this.#discovery.subscribed(),
      sentinels: [...sentinels.values()],
      nodes: Object.fromEntries(nodes),
      planned: this.operations.describe(),
    }
  }

  readonly #wall = (): number => (this.#deps.wall ?? Date.now)()

  #stamp(): { at: number; wall: number } {
    return { at: this.#deps.clock.now(), wall: this.#wall() }
  }

  #step(evidence: Evidence): void {
    this.#counts[evidence.kind]++
    const { group } = this.#state.rules
    this.#deps.onEvidence?.(group, evidence)
    const before = this.#state.view
    const outcome = vote(this.#state, evidence)
    this.#state = outcome.state
    this.#tellReaders(outcome)
    if (evidence.kind === 'poll') this.#tellLooked(evidence)
    this.#tellLog(before, outcome)
    if (outcome.changed || evidence.kind === 'configured') this.#watch()
    if (outcome.poll) this.#discovery.poll()
    this.#discovery.probe(outcome.probe)
  }

  #watch(): void {
    const { view, sentinels } = this.#state
    const nodes = view.replicas.map((replica) => replica.address)
    if (view.master !== null) nodes.unshift(view.master)
    this.#discovery.watch(
      [...sentinels.values()].map((record) => record.address),
      view.master,
      nodes,
    )
  }

  #tellReaders({ view, changed, switched, hold, release }: VoteOutcome): void {
    const { group, epochRestart } = view
    if (switched) this.operations.switched()
    if (switched) this.#publish({ type: 'switch', view, why: view.why, epochRestart })
    else if (changed) this.#publish({ type: 'view', view, epochRestart })
    if (release !== undefined) this.#publish({ type: 'release', group, ...release })
    if (hold !== undefined) this.#publish({ type: 'hold', group, ...hold })
  }

  /** Behind all that came of the same answer. */
  #tellLooked(poll: PollEvidence): void {
    const { group } = this.#state.view
    for (const token of this.#looks.done(poll, this.#state)) {
      this.#publish({ type: 'looked', group, token })
    }
  }

  #tellLog(before: View, outcome: VoteOutcome): void {
    const { log, onAlarm } = this.#deps
    const { view, hold, release } = outcome
    const { group } = view
    if (outcome.changed) {
      for (const { kind, text } of changesBetween(before, view)) {
        log.info(kind === 'master' ? { group, kind, why: view.why } : { group, kind }, text)
      }
    }
    if (hold !== undefined) log.info({ group, ...hold }, 'hold')
    if (release !== undefined) log.info({ group, ...release }, 'release')
    for (const text of outcome.alarms) {
      log.warn({ group }, text)
      onAlarm?.(group, text)
    }
  }
}

function linkOptions(auth: Credentials | undefined, tls: ConnectionOptions | undefined) {
  return {
    ...linkDefaults,
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined ? {} : { tls }),
  }
}
