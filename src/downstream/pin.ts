import type { Clock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'
import type { Dispatcher, Exchange, Lease, LeaseOwner, LinkState } from '../dispatcher.ts'
import type { LeaseReason } from '../routing/traits.ts'

/** What the pin needs of its session. */
export interface PinHome {
  readonly linkState: LinkState
  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean
  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void
  /** The link with the session's state is gone: note what cannot be brought back. */
  onPinLost(): void
  /** Commands of the proxy's own that make a new link what the lost one was. */
  rebuild(): readonly Exchange[]
  /** A command as it must be sent the second time (the time that remains of a BLPOP). */
  again(exchange: Exchange): void
  /** A command for which there is no link to be had. */
  onPinRefused(exchange: Exchange, cause: ProxyError): void
  /** The link cannot be brought back as it was: the client must be closed. */
  onPinBroken(cause: ProxyError): void
}

/**
 * none: the session is on the shared lane · acquiring: waits for a link · held · rebuilding: the
 * link was lost and another is being made the same; `waiting` is what will be sent on it.
 */
type PinState =
  | { readonly name: 'none' }
  | { readonly name: 'acquiring' }
  | { readonly name: 'held'; readonly lease: Lease; readonly raw: boolean }
  | Rebuilding
  | { readonly name: 'closed' }

interface Rebuilding {
  readonly name: 'rebuilding'
  readonly waiting: Exchange[]
}

const longestPauseMs = 1000

/** The same for all sessions: every command looks at it. */
const none: PinState = { name: 'none' }

/** A session's exclusive link: taken for a reason, rebuilt when it is lost, given back when clean. */
export class Pin implements LeaseOwner {
  /** Why the link was taken; for people and metrics. */
  reason: LeaseReason | null = null
  /** Something was done on the link that its next user could notice: it must be closed. */
  tainted = false
  /** How many links it has had; tells one from the next. */
  taken = 0

  readonly #dispatcher: Dispatcher
  readonly #home: PinHome
  readonly #clock: Clock
  #state: PinState = none
  #drainListeners: (() => void)[] = []

  constructor(dispatcher: Dispatcher, home: PinHome, clock: Clock) {
    this.#dispatcher = dispatcher
    this.#home = home
    this.#clock = clock
  }

  /** The link's number on the server (CLIENT ID); 0 without one. */
  get serverId(): number {
    return this.#state.name === 'held' ? this.#state.lease.serverId : 0
  }

  get held(): boolean {
    return this.#state.name === 'held' || this.#state.name === 'rebuilding'
  }

  get raw(): boolean {
    return this.#state.name === 'held' && this.#state.raw
  }

  /** Takes a link. Nothing of the session may be outstanding. Rejects with a ProxyError. */
  async take(reason: LeaseReason): Promise<void> {
    if (this.held) return
    this.#state = { name: 'acquiring' }
    this.reason = reason
    this.tainted = false
    try {
      const lease = await this.#dispatcher.lease(this.#home.linkState, reason, this)
      if (this.#isClosed()) {
        lease.release(true)
        throw new ProxyError('CLIENT_GONE')
      }
      this.taken++
      this.#state = { name: 'held', lease, raw: false }
    } catch (thrown) {
      if (!this.#isClosed()) this.#state = none
      this.reason = null
      throw thrown
    }
  }

  dispatch(exchange: Exchange): boolean {
    const state = this.#state
    if (state.name === 'held') return state.lease.dispatch(exchange)
    if (state.name !== 'rebuilding') throw new Error(`a command for a pin that is ${state.name}`)
    exchange.bytes = exchange.bytes.slice(exchange.start, exchange.end)
    exchange.end -= exchange.start
    exchange.start = 0
    state.waiting.push(exchange)
    return false
  }

  onDrain(fn: () => void): void {
    if (this.#state.name === 'held') this.#state.lease.onDrain(fn)
    else this.#drainListeners.push(fn)
  }

  /** Ends the pairing of requests and replies: bytes both ways from here on. */
  makeRaw(): void {
    if (this.#state.name !== 'held') return
    this.#state.lease.raw()
    this.#state = { ...this.#state, raw: true }
    this.tainted = true
  }

  pipe(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#state.name === 'held' ? this.#state.lease.pipe(bytes, start, end) : true
  }

  pause(): void {
    if (this.#state.name === 'held') this.#state.lease.pause()
  }

  resume(): void {
    if (this.#state.name === 'held') this.#state.lease.resume()
  }

  /** Is another link being made, with the state that the lost one had? */
  get isRebuilding(): boolean {
    return this.#state.name === 'rebuilding'
  }

  /** Leaves the link for another one with the session's state. Nothing may be outstanding on it. */
  renew(): void {
    if (this.#state.name !== 'held') return
    this.#state.lease.release(false)
    this.onLeaseLost(new ProxyError('FENCED', 'what is left on the link must be nobody’s'), [])
  }

  /** Back to the shared lane. The caller knows that nothing is outstanding. */
  giveBack(): void {
    if (this.#state.name === 'rebuilding' && this.#state.waiting.length === 0) {
      this.#state = none
    }
    if (this.#state.name !== 'held') return
    const { lease } = this.#state
    this.#state = none
    this.reason = null
    lease.release(!this.tainted)
  }

  /** The client has gone; `idle`: nothing is outstanding and no state is left on the link. */
  close(idle: boolean): void {
    const state = this.#state
    this.#state = { name: 'closed' }
    if (state.name === 'held') state.lease.release(idle && !this.tainted)
  }

  // ── LeaseOwner ─────────────────────────────────────────────────────────────────────────────

  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#home.isPush(type, bytes, start, end)
  }

  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#home.onPush(bytes, start, end, last)
  }

  onLeaseLost(cause: ProxyError, survivors: Exchange[]): void {
    const state = this.#state
    if (state.name !== 'held') return
    if (state.raw) {
      this.#home.onPinBroken(cause)
      return
    }
    const rebuilding: Rebuilding = { name: 'rebuilding', waiting: survivors }
    this.#state = rebuilding
    this.#home.onPinLost()
    void this.#rebuild(rebuilding, 25)
  }

  async #rebuild(rebuilding: Rebuilding, pauseMs: number): Promise<void> {
    const { waiting } = rebuilding
    const isOver = (): boolean => this.#state !== rebuilding
    try {
      const reason = this.reason ?? 'unknown'
      const lease = await this.#dispatcher.lease(this.#home.linkState, reason, this)
      if (isOver()) {
        lease.release(true)
        return
      }
      this.taken++
      this.#state = { name: 'held', lease, raw: false }
      for (const exchange of this.#home.rebuild()) lease.dispatch(exchange)
      for (const exchange of waiting) this.#sendAgain(lease, exchange)
      this.#wake()
    } catch (thrown) {
      if (isOver()) return
      const cause = thrown instanceof ProxyError ? thrown : new ProxyError('MASTERDOWN')
      if (cause.code === 'HANDSHAKE_FAILED') {
        this.#home.onPinBroken(cause)
        return
      }
      // what waits is told now; the session's state is still wanted, so the link is tried for again
      for (const exchange of waiting.splice(0))
        if (!exchange.abandoned) this.#home.onPinRefused(exchange, cause)
      this.#wake()
      this.#clock.after(pauseMs, () => {
        if (!isOver()) void this.#rebuild(rebuilding, Math.min(longestPauseMs, pauseMs * 2))
      })
    }
  }

  #sendAgain(lease: Lease, exchange: Exchange): void {
    if (!exchange.abandoned) this.#home.again(exchange)
    if (!exchange.abandoned) lease.dispatch(exchange)
  }

  #isClosed(): boolean {
    return this.#state.name === 'closed'
  }

  #wake(): void {
    const listeners = this.#drainListeners
    this.#drainListeners = []
    for (const listener of listeners) queueMicrotask(listener)
  }
}
