import type { ProxyError } from '../base/errors.ts'
import { Deque } from '../base/deque.ts'
import type {
  Arbiter,
  Exchange,
  Fate,
  Generation,
  Identity,
  Lease,
  LeaseOwner,
} from '../dispatcher.ts'
import type { Gate } from './gate.ts'

/**
 * A lease as sessions see it: while the gate holds, their commands wait here, and when the link
 * dies, those that may be sent again are given back to the session, which alone can rebuild the
 * state that they need.
 */
export class GateLease implements Lease, LeaseOwner, Arbiter {
  readonly #gate: Gate
  readonly #generation: Generation
  readonly #owner: LeaseOwner
  readonly #waiting = new Deque<Exchange>()
  /** Taken back from the link, oldest first. */
  readonly #survivors: Exchange[] = []
  /** Parts of a streamed request that came while the gate held; a client is paused after one. */
  readonly #parts: Uint8Array[] = []
  #raw: Lease | null = null
  #isRaw = false
  #ended = false
  #drainListeners: (() => void)[] = []

  constructor(gate: Gate, generation: Generation, owner: LeaseOwner) {
    this.#gate = gate
    this.#generation = generation
    this.#owner = owner
  }

  get serverId(): number {
    return this.#raw?.serverId ?? 0
  }

  attach(raw: Lease): void {
    this.#raw = raw
  }

  dispatch(exchange: Exchange): boolean {
    if (this.#raw !== null && this.#passes()) return this.#raw.dispatch(exchange)
    if (this.#gate.reserve(exchange)) {
      exchange.bytes = exchange.bytes.slice(exchange.start, exchange.end)
      exchange.end -= exchange.start
      exchange.start = 0
      this.#waiting.push(exchange)
    }
    return false
  }

  onDrain(fn: () => void): void {
    if (this.#raw !== null && this.#passes()) {
      this.#raw.onDrain(fn)
    } else {
      this.#drainListeners.push(fn)
      // nothing was held, e.g. refused at once
      if (this.#waiting.size === 0 && this.#parts.length === 0) this.#wake()
    }
  }

  /** The gate leads to the same generation again: what waited may go. */
  proceed(): void {
    for (let each = this.#next(); each !== undefined; each = this.#next()) {
      this.#raw?.dispatch(each)
    }
    for (const part of this.#parts.splice(0)) this.#raw?.pipe(part, 0, part.length)
    this.#wake()
  }

  nextDeadline(): number {
    return this.#waiting.peek()?.deadline ?? Infinity
  }

  expired(now: number): Exchange[] {
    const out: Exchange[] = []
    while (this.nextDeadline() <= now) {
      const exchange = this.#next()
      if (exchange === undefined) break
      out.push(exchange)
    }
    if (this.#waiting.size === 0) this.#wake()
    return out
  }

  raw(): void {
    this.#isRaw = true
    this.#raw?.raw()
  }

  pipe(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#raw === null) return true
    if (this.#passes() || this.#mayFinish()) return this.#raw.pipe(bytes, start, end)
    this.#parts.push(bytes.slice(start, end))
    return false
  }

  pause(): void {
    this.#raw?.pause()
  }

  resume(): void {
    this.#raw?.resume()
  }

  release(clean: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#gate.forget(this)
    for (let each = this.#next(); each !== undefined; each = this.#next()) each.abandoned = true
    this.#raw?.release(clean)
    this.#raw = null
  }

  // ── the link's side ────────────────────────────────────────────────────────────────────────

  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#owner.isPush(type, bytes, start, end)
  }

  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#owner.onPush(bytes, start, end, last)
  }

  onLeaseLost(cause: ProxyError): void {
    if (this.#ended) return
    const survivors = [...this.#survivors]
    for (let each = this.#next(); each !== undefined; each = this.#next()) {
      // of a request that comes in parts, what has come since is lost with this lease
      const isWhole = each.body === 'whole'
      if (isWhole || this.#gate.judge(each, cause, 'unsent', false)) survivors.push(each)
    }
    this.release(false)
    this.#owner.onLeaseLost(cause, survivors)
    this.#wake()
  }

  takesBack(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#gate.refuses(exchange, bytes, start, end)) return false
    exchange.attempts--
    this.#survivors.push(exchange)
    return true
  }

  doubts(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#gate.doubts(exchange, bytes, start, end)
  }

  takesBackScript(exchange: Exchange): void {
    this.#gate.holdFor('readonly', exchange)
    exchange.attempts--
    this.#survivors.push(exchange)
  }

  onLost(exchange: Exchange, cause: ProxyError, fate: Fate, begun: boolean): void {
    if (cause.code === 'HANDSHAKE_FAILED') exchange.onLost(cause, fate)
    else if (this.#gate.judge(exchange, cause, fate, begun)) this.#survivors.push(exchange)
  }

  onLinkLost(generation: Generation, cause: ProxyError): void {
    this.#gate.onLinkLost(generation, cause)
  }

  onIdentityRefused(identity: Identity): void {
    this.#gate.onIdentityRefused(identity)
  }

  /** The rest of a request whose beginning the master has: a planned change of master waits for it. */
  #mayFinish(): boolean {
    const isFirst = this.#waiting.size === 0 && this.#parts.length === 0
    return isFirst && !this.#isRaw && this.#gate.isPlannedHold
  }

  #passes(): boolean {
    return this.#waiting.size === 0 && this.#gate.leadsTo(this.#generation)
  }

  #next(): Exchange | undefined {
    for (;;) {
      const exchange = this.#waiting.shift()
      if (exchange === undefined) return undefined
      this.#gate.queue.unreserve(exchange)
      if (!exchange.abandoned) return exchange
    }
  }

  #wake(): void {
    const listeners = this.#drainListeners
    this.#drainListeners = []
    for (const listener of listeners) queueMicrotask(listener)
  }
}
