import type { ProxyError } from '../base/errors.ts'
import type { Affinity, Exchange, Fate, LinkState, Via } from '../dispatcher.ts'
import type { Traits } from '../routing/traits.ts'

/** Who sees the reply of a command before (or instead of) the client. */
export interface Observer {
  /** A whole frame of the reply. What is returned goes to the client; null: nothing does. */
  onFrame(frame: Uint8Array, last: boolean): Uint8Array | null
  /**
   * The reply did not come. true: it has been dealt with, the client is told nothing · bytes: the
   * client is told this · false: the client is told that it is lost.
   */
  onLost(cause: ProxyError): boolean | Uint8Array
}

/** The session, as its commands see it. */
export interface ExchangeHome extends Affinity {
  onReply(
    exchange: SessionExchange,
    b: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean
  /** A reply to a client that has gone. */
  onUnwanted(bytes: Uint8Array, start: number, end: number): boolean
  onLost(exchange: SessionExchange, cause: ProxyError, fate: Fate): void
  /** The commands of a pipeline that are not answered take its place. */
  split(pipeline: SessionExchange): SessionExchange[]
  onResume(fn: () => void): void
}

/** One request of a client on its way: the command, and the place of its reply in the line. */
export class SessionExchange implements Exchange {
  bytes: Uint8Array
  start: number
  end: number
  readonly traits: Traits
  readonly state: LinkState
  replies = 1
  commands = 1
  answered = 0
  errorEnds = false
  linkOnly = false
  body: 'whole' | 'receiving' | 'received' = 'whole'
  isAlone = false
  attempts = 0
  deadline = 0
  abandoned = false
  via: Via = 'lane'
  /** Stands in an open transaction: answered with QUEUED. */
  queued = false
  /** Complete, though its turn in the client's line may not have come. */
  done = false
  /** Answered with an error of our own. */
  refused = false
  /** The client wants no reply to it (CLIENT REPLY OFF or SKIP). */
  muted = false
  /** Not in the client's line: a command of the proxy's own, to rebuild a link's state. */
  hidden = false
  observer: Observer | null = null
  /** When a blocking command came, for the time that remains at a re-issue; 0 for all others. */
  startedAt = 0
  /** Makes its bytes anew for another link, where numbers of links stand in them. */
  renew: (() => Uint8Array) | null = null
  /** Reply bytes that came before their turn, or that the observer wants whole. */
  kept: Uint8Array[] | null = null
  /** The one behind it in the client's line. */
  next: SessionExchange | null = null

  readonly #home: ExchangeHome

  constructor(
    home: ExchangeHome,
    traits: Traits,
    state: LinkState,
    bytes: Uint8Array,
    start: number,
    end: number,
  ) {
    this.#home = home
    this.traits = traits
    this.state = state
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get affinity(): Affinity {
    return this.#home
  }

  /** Does it wait in the server for something to happen (BLPOP, XREAD BLOCK, WAIT)? */
  get waitsInside(): boolean {
    return this.startedAt > 0
  }

  onReply(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    if (this.abandoned) return this.#home.onUnwanted(bytes, start, end)
    return this.#home.onReply(this, bytes, start, end, last)
  }

  onLost(cause: ProxyError, fate: Fate): void {
    if (!this.abandoned) this.#home.onLost(this, cause, fate)
  }

  split(): SessionExchange[] {
    return this.commands === 1 ? [this] : this.#home.split(this)
  }

  onResume(fn: () => void): void {
    if (this.abandoned) fn()
    else this.#home.onResume(fn)
  }
}
