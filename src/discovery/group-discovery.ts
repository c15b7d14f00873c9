import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Evidence, Stamp } from '../topology/evidence.ts'
import type { AddressMap } from '../topology/parse.ts'
import { HelloWatcher } from './hello-watcher.ts'
import type { SentinelProvider } from './providers.ts'
import type { LinkOptions } from './redis-link.ts'
import { RoleProbe } from './role-probe.ts'
import { SentinelPoller } from './sentinel-poller.ts'
import { SentinelWatcher } from './sentinel-watcher.ts'

export interface GroupDiscoveryOptions {
  readonly group: string
  readonly provider: SentinelProvider
  readonly sentinelLink: LinkOptions
  readonly nodeLink: LinkOptions
  readonly addressMap: AddressMap
  readonly pollIntervalMs: number
  /** How often the provider is asked for the list of sentinels again. */
  readonly providerIntervalMs: number
}

export interface GroupDiscoveryDeps {
  readonly clock: Clock
  /** Epoch milliseconds. */
  readonly wall: () => number
  readonly log: Log
  readonly onEvidence: (evidence: Evidence) => void
}

interface WatchedSentinel {
  readonly watcher: SentinelWatcher
  readonly poller: SentinelPoller
  close(): void
}

/** A provider that failed is asked again after this time, or after its interval if that is shorter. */
const PROVIDER_RETRY_MS = 1_000
/** A subscribed connection that does not answer PING is found within twice this. */
const PING_INTERVAL_MS = 1_000

/** The senses of one group: everything that it sees goes to `onEvidence`, it decides nothing. */
export class GroupDiscovery {
  readonly #options: GroupDiscoveryOptions
  readonly #deps: GroupDiscoveryDeps
  readonly #sentinels = new Map<string, WatchedSentinel>()
  readonly #hellos = new Map<string, HelloWatcher>()
  readonly #probe: RoleProbe
  #master: Address | null = null
  #closed = false
  #cancelPoll: () => void = nothing
  #cancelProvider: () => void = nothing
  /** Why the provider failed the last time; '': it did not. */
  #providerTrouble = ''

  constructor(options: GroupDiscoveryOptions, deps: GroupDiscoveryDeps) {
    this.#options = options
    this.#deps = deps
    this.#probe = new RoleProbe(
      { link: options.nodeLink, addressMap: options.addressMap },
      { stamp: () => this.#stamp(), onAnswer: deps.onEvidence },
      deps,
    )
  }

  /** Begins to look. A provider that fails is asked again, for ever. */
  start(): void {
    this.#askProvider()
    this.#nextPoll()
  }

  /** Watches exactly these sentinels, and the hello channel of exactly these nodes. */
  watch(sentinels: readonly Address[], master: Address | null, nodes: readonly Address[]): void {
    if (this.#closed) return
    this.#master = master
    sync(this.#sentinels, sentinels, (address) => this.#watchSentinel(address))
    sync(this.#hellos, nodes, (address) => this.#watchHello(address))
  }

  /** Asks all sentinels now. */
  poll(): void {
    for (const { poller } of this.#sentinels.values()) poller.poll()
  }

  /** Asks nodes for their ROLE now. */
  probe(nodes: readonly Address[]): void {
    for (const node of nodes) this.#probe.ask(node)
  }

  /** Sentinels whose event subscription stands. */
  subscribed(): string[] {
    return [...this.#sentinels].filter(([, { watcher }]) => watcher.up).map(([key]) => key)
  }

  close(): void {
    this.#closed = true
    this.#cancelPoll()
    this.#cancelProvider()
    this.#options.provider.close()
    sync(this.#sentinels, [], (address) => this.#watchSentinel(address))
    sync(this.#hellos, [], (address) => this.#watchHello(address))
    this.#probe.close()
  }

  #stamp(): Stamp {
    return { at: this.#deps.clock.now(), wall: this.#deps.wall() }
  }

  #tell(evidence: Evidence): void {
    if (!this.#closed) this.#deps.onEvidence(evidence)
  }

  #configured(sentinels: readonly Address[]): void {
    this.#tell({ kind: 'configured', ...this.#stamp(), sentinels })
  }

  #nextPoll(): void {
    if (this.#closed) return
    this.#cancelPoll = this.#deps.clock.after(this.#options.pollIntervalMs, () => {
      this.#tell({ kind: 'tick', ...this.#stamp() })
      this.poll()
      if (this.#master !== null) this.#probe.ask(this.#master)
      this.#probe.sweep()
      this.#nextPoll()
    })
  }

  #askProvider(): void {
    const { provider, providerIntervalMs } = this.#options
    provider.current().then(
      (sentinels) => {
        if (this.#providerTrouble !== '') this.#deps.log.info({}, 'the sentinels are found again')
        this.#providerTrouble = ''
        this.#configured(sentinels)
        this.#askProviderIn(providerIntervalMs)
      },
      (error: unknown) => {
        this.#providerFailed(reasonOf(error))
        this.#askProviderIn(Math.min(PROVIDER_RETRY_MS, providerIntervalMs))
      },
    )
  }

  /** What is known stays in force. The same trouble is told once, however often it is met. */
  #providerFailed(reason: string): void {
    if (this.#closed || reason === this.#providerTrouble) return
    this.#providerTrouble = reason
    this.#deps.log.warn({ reason }, 'the sentinels were not found; those known stay in force')
  }

  #askProviderIn(ms: number): void {
    if (this.#closed) return
    this.#cancelProvider = this.#deps.clock.after(ms, () => {
      this.#askProvider()
    })
  }

  #watchSentinel(sentinel: Address): WatchedSentinel {
    const { addressMap, group, sentinelLink: link } = this.#options
    const hooks = { stamp: () => this.#stamp() }
    const tell = (evidence: Evidence) => {
      this.#tell(evidence)
    }
    const poller = new SentinelPoller(
      { sentinel, group, link, addressMap },
      { ...hooks, onAnswer: tell },
      this.#deps,
    )
    const watcher = new SentinelWatcher(
      { sentinel, link, addressMap, pingIntervalMs: PING_INTERVAL_MS },
      {
        ...hooks,
        onEvent: tell,
        onUp() {
          poller.poll()
        },
      },
      this.#deps,
    )
    return {
      watcher,
      poller,
      close() {
        watcher.close()
        poller.close()
      },
    }
  }

  #watchHello(node: Address): HelloWatcher {
    const { addressMap, nodeLink: link } = this.#options
    return new HelloWatcher(
      { node, link, addressMap, pingIntervalMs: PING_INTERVAL_MS },
      {
        stamp: () => this.#stamp(),
        onHello: (evidence) => {
          this.#tell(evidence)
        },
      },
      this.#deps,
    )
  }
}

function nothing(): void {
  // There is no timer yet.
}

/** Makes `open` hold exactly the wanted addresses: closes the others, opens the missing ones. */
function sync<T extends { close(): void }>(
  open: Map<string, T>,
  wanted: readonly Address[],
  create: (address: Address) => T,
): void {
  const keys = new Map(wanted.map((address) => [addressKey(address), address]))
  for (const [key, item] of open) {
    if (keys.has(key)) continue
    open.delete(key)
    item.close()
  }
  for (const [key, address] of keys) {
    if (!open.has(key)) open.set(key, create(address))
  }
}
