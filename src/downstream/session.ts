import type { Socket } from 'node:net'
import { errorReply, ProxyError, type ErrorCode } from '../base/errors.ts'
import { Deque } from '../base/deque.ts'
import type { Dispatcher, Fate, LinkState } from '../dispatcher.ts'
import { args } from '../protocol/request.ts'
import { framed, RequestFramer } from '../protocol/request-framer.ts'
import type { LeaseReason, SessionVerb, Traits } from '../routing/traits.ts'
import { ClientOutput } from './client-output.ts'
import { Pin, type PinHome } from './pin.ts'
import { rebuildCommands, timeLeft } from './rebuild.ts'
import { SessionExchange, type ExchangeHome, type Observer } from './session-exchange.ts'
import { initialState, leaseReasons, reduce, type SessionState, type StateEvent } from './session-state.ts'
import { Subscriptions } from './subscriptions.ts'
import { Transaction } from './transaction.ts'
import type { CloseReason, SessionContext } from './session-context.ts'
import { beginUpload, type Upload } from './upload.ts'
import { handle } from './verbs.ts'

/** One request that the session must understand before it can be sent. Its bytes are its own. */
export interface Request {
  readonly traits: Traits
  readonly bytes: Uint8Array
  readonly args: readonly Uint8Array[]
}

/** How a request is sent, where it is not the plain way. */
export interface SendOptions {
  readonly via?: 'control' | 'greeter' | 'prober'
  readonly observer?: Observer
  readonly replies?: number
  readonly errorEnds?: boolean
  /** Only the beginning is here; the rest is passed on as it comes. */
  readonly streamed?: boolean
  readonly bytes?: Uint8Array
}

/** EXEC is what runs a transaction; before it, nothing that the client sent has been executed. */
function isLinkOnly(verb: SessionVerb | null, inTransaction: boolean): boolean {
  if (inTransaction) return verb !== 'exec'
  return verb !== null && linkOnlyVerbs.has(verb)
}

const linkOnlyVerbs: ReadonlySet<SessionVerb> = new Set([
  'auth',
  'hello',
  'select',
  'multi',
  'discard',
  'watch',
  'unwatch',
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
])

/**
 * reading: requests are taken as they come · parked: one of them must wait (for its turn, a link, a
 * verdict, room), and what the client sent behind it waits in `rest` · ending: no more requests are
 * taken, the replies owed are delivered · closed.
 */
type InputState = 'reading' | 'parked' | 'ending' | 'closed'

/** One client connection and the Redis connection state it has built up. */
export class Session implements ExchangeHome, PinHome {
  readonly id: number
  readonly context: SessionContext
  readonly subscriptions = new Subscriptions()
  readonly pin: Pin
  state: SessionState = initialState
  /** The open transaction, kept to be queued again on another link. */
  transaction: Transaction | null = null

  readonly #socket: Socket
  readonly #dispatcher: Dispatcher
  readonly #framer: RequestFramer
  readonly #output: ClientOutput
  /** Replies owed to the client, in its order. */
  readonly #pending = new Deque<SessionExchange>()
  #input: InputState = 'reading'
  #running = false
  /** What came behind a parked request. */
  #rest: Uint8Array[] = []
  #restBytes = 0
  /** Tells one parking from the next, so that a late wake-up does not end the wrong one. */
  #parking = 0
  /** The client has closed its side; what it sent before is still served. */
  #halfClosed = false
  #ending: CloseReason = 'client'
  #onIdle: (() => void) | null = null
  #upload: Upload | null = null

  constructor(id: number, socket: Socket, context: SessionContext) {
    this.id = id
    this.context = context
    this.#socket = socket
    this.#dispatcher = context.dispatcher
    this.#framer = new RequestFramer(context.requestLimits)
    this.#output = new ClientOutput(socket, context.turn)
    this.pin = new Pin(context.dispatcher, this, (ms, fn) => context.clock.after(ms, fn))
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onGone)
    socket.on('close', this.#onGone)
  }

  get linkState(): LinkState {
    return this.state.link
  }

  /** Why the session holds a link of its own; empty on the shared lane. */
  get reasons(): LeaseReason[] {
    return leaseReasons(this.state, this.subscriptions.size)
  }

  /** Replies owed to the client. */
  get outstanding(): number {
    return this.#pending.size
  }

  /** The address of the client, for people. */
  get peer(): string {
    return `${this.#socket.remoteAddress ?? 'unix'}:${String(this.#socket.remotePort ?? 0)}`
  }

  apply(event: StateEvent): void {
    this.state = reduce(this.state, event)
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  readonly #onData = (chunk: Buffer): void => {
    if (this.#input !== 'reading') {
      if (this.#input === 'parked') this.#keep(chunk)
      return
    }
    const { turn } = this.context
    turn.begin()
    this.#run(chunk)
    turn.end()
  }

  /** The socket is read on while a request waits, so that a client that leaves is noticed. */
  #keep(chunk: Uint8Array): void {
    this.#rest.push(chunk)
    this.#restBytes += chunk.length
    if (this.#restBytes > this.context.limits.parkedBytes) this.#socket.pause()
  }

  #run(chunk: Uint8Array): void {
    const framer = this.#framer
    const end = chunk.length
    let position = 0
    this.#running = true
    while (this.#input === 'reading') {
      const found = framer.next(chunk, position, end)
      if (found === framed.more) break
      position = framer.position
      if (found === framed.request) this.#take(framer)
      else this.#takeOther(found, framer)
    }
    this.#running = false
    if (this.#input === 'parked' && position < end) {
      this.#rest.unshift(chunk.subarray(position))
      this.#restBytes += end - position
    }
  }

  /** The way of nearly all commands is the first branch. */
  #take(framer: RequestFramer): void {
    const { bytes, start, end } = framer
    const traits = this.context.router.lookup(
      bytes,
      framer.nameStart,
      framer.nameEnd,
      framer.subStart,
      framer.subEnd,
    )
    const { commands } = this.context.counters
    if (this.pin.raw) {
      commands.lease++
      if (!this.pin.pipe(bytes, start, end)) this.#parkForRoom(null)
    } else if (traits.route === 'lane') {
      if (this.state.transaction !== 'none') this.transaction?.add(traits, bytes, start, end)
      if (this.pin.held) commands.lease++
      else commands.lane++
      this.#dispatch(this.#exchange(traits, bytes, start, end))
    } else {
      const own = bytes.slice(start, end)
      handle(this, { traits, bytes: own, args: args(own, 0, own.length) })
    }
  }

  #takeOther(found: number, framer: RequestFramer): void {
    if (found === framed.fault) {
      this.answer(framer.fault)
      this.end('protocol')
      return
    }
    if (found === framed.big) this.#upload = beginUpload(this, framer)
    else this.#upload?.take(framer.bytes, framer.start, framer.end, found === framed.partEnd)
    if (found === framed.partEnd) this.#upload = null
  }

  #exchange(traits: Traits, bytes: Uint8Array, start: number, end: number): SessionExchange {
    const exchange = new SessionExchange(this, traits, this.state.link, this.id, bytes, start, end)
    exchange.muted = this.state.replies !== 'on'
    exchange.linkOnly = isLinkOnly(traits.verb, this.state.transaction !== 'none')
    if (this.state.replies === 'skip') this.apply({ what: 'replies', mode: 'on' })
    return exchange
  }

  #dispatch(exchange: SessionExchange): void {
    this.#pending.push(exchange)
    const way = this.pin.held ? this.pin : this.#dispatcher
    if (!way.dispatch(exchange)) this.#parkForRoom(exchange)
  }

  // ── what verbs use ─────────────────────────────────────────────────────────────────────────

  /** A reply of the proxy's own, in its place in the client's line. */
  answer(bytes: Uint8Array): void {
    this.context.counters.commands.local++
    const exchange = this.#exchange(this.context.localTraits, bytes, 0, 0)
    this.#pending.push(exchange)
    this.onReply(exchange, bytes, 0, bytes.length, true)
  }

  /** Sends a request the way the session's state demands. */
  send(request: Request, options: SendOptions = {}): SessionExchange {
    const bytes = options.bytes ?? request.bytes
    const exchange = this.#exchange(request.traits, bytes, 0, bytes.length)
    exchange.observer = options.observer ?? null
    exchange.replies = options.replies ?? 1
    exchange.errorEnds = options.errorEnds ?? false
    if (options.streamed === true) exchange.body = 'receiving'
    if (options.via !== undefined && !this.pin.held) exchange.via = options.via
    this.context.counters.commands[this.pin.held ? 'lease' : options.via === 'control' ? 'control' : 'lane']++
    if (request.traits.replay === 'blocking') exchange.startedAt = this.context.clock.now()
    this.#dispatch(exchange)
    return exchange
  }

  /** Sends a command of the proxy's own on the pinned link; nobody sees its reply. */
  sendHidden(exchange: SessionExchange): void {
    this.pin.dispatch(exchange)
  }

  hidden(traits: Traits, bytes: Uint8Array, observer: Observer | null = null): SessionExchange {
    const { link } = this.state
    const exchange = new SessionExchange(this, traits, link, this.id, bytes, 0, bytes.length)
    exchange.hidden = true
    exchange.observer = observer
    return exchange
  }

  /** Runs `fn` once every reply owed has been given; the client's next requests wait for it. */
  whenIdle(fn: () => void): void {
    if (this.#pending.size === 0) {
      fn()
      return
    }
    this.#park()
    this.#onIdle = fn
  }

  /** The client's way upstream is full: its next requests wait. */
  waitForRoom(): void {
    this.#parkForRoom(null)
  }

  /** Nothing more is taken from the client until all that was sent is answered. */
  waitForVerdict(): void {
    this.whenIdle(() => undefined)
  }

  /** Has a link of its own for `reason` when `then` runs; where none can be had, says so. */
  pinned(reason: LeaseReason, then: () => void): void {
    if (this.pin.held) {
      then()
      return
    }
    this.whenIdle(() => {
      this.#park()
      this.pin.take(reason).then(
        () => {
          this.context.counters.leasesTaken[reason]++
          this.#proceed(then)
        },
        (thrown: unknown) => {
          this.#proceed(() => {
            this.#onPinFailed(thrown)
          })
        },
      )
    })
  }

  /** No more requests; the replies owed are delivered, then the connection is closed. */
  end(why: CloseReason): void {
    if (this.#input === 'closed' || this.#input === 'ending') return
    this.#input = 'ending'
    this.#ending = why
    this.#rest = []
    if (this.#pending.size === 0) this.#finish()
  }

  /** Closes the connection now; what is in flight for it is dropped. */
  close(why: CloseReason): void {
    if (this.#input === 'closed') return
    this.#output.flush()
    this.#close(why)
  }

  #onPinFailed(thrown: unknown): void {
    const code = thrown instanceof ProxyError ? thrown.code : 'MASTERDOWN'
    if (code === 'HANDSHAKE_FAILED') this.close('error')
    else if (code !== 'CLIENT_GONE') this.answer(errorReply(code))
  }

  // ── parking ────────────────────────────────────────────────────────────────────────────────

  #park(): void {
    if (this.#input !== 'reading') return
    this.#input = 'parked'
    this.#parking++
  }

  /** Does what was waited for, then goes on with what the client sent meanwhile. */
  #proceed(fn: () => void): void {
    if (this.#input === 'ending') {
      fn()
      if (this.#pending.size === 0 && this.#onIdle === null) this.#finish()
      return
    }
    if (this.#input !== 'parked') return
    const { turn } = this.context
    turn.begin()
    this.#input = 'reading'
    fn()
    if (!this.#running) {
      this.#runRest()
    }
    turn.end()
  }

  #runRest(): void {
    while (this.#isReading()) {
      const chunk = this.#rest.shift()
      if (chunk === undefined) {
        if (this.#halfClosed) this.end('client')
        else this.#socket.resume()
        return
      }
      this.#restBytes -= chunk.length
      this.#run(chunk)
    }
  }

  #isReading(): boolean {
    return this.#input === 'reading'
  }

  #parkForRoom(exchange: SessionExchange | null): void {
    if (this.#input !== 'reading') return
    this.#park()
    const parking = this.#parking
    const go = (): void => {
      if (this.#parking === parking && this.#onIdle === null) this.#proceed(() => undefined)
    }
    if (exchange === null || this.pin.held) this.pin.onDrain(go)
    else this.#dispatcher.onDrain(exchange, go)
  }

  // ── replies ────────────────────────────────────────────────────────────────────────────────

  onReply(
    exchange: SessionExchange,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    if (exchange.observer !== null) return this.#observed(exchange, bytes, start, end, last)
    if (exchange.hidden) return true
    this.#give(exchange, bytes, start, end, last)
    return this.#output.unread < this.context.limits.outputPauseBytes
  }

  #give(exchange: SessionExchange, b: Uint8Array, start: number, end: number, last: boolean): void {
    const pending = this.#pending
    if (pending.peek() !== exchange) {
      if (!exchange.muted) (exchange.kept ??= []).push(b.subarray(start, end))
      exchange.done = last
      return
    }
    if (!exchange.muted) {
      this.#output.append(b, start, end)
      if (this.#output.unread > this.context.limits.outputLimitBytes) {
        this.close('output-limit')
        return
      }
    }
    if (!last) return
    exchange.done = true
    pending.shift()
    if (!exchange.refused) this.context.counters.replies++
    if (pending.size > 0) this.#giveDone()
    if (pending.size === 0) this.#idle()
  }

  /** Replies that came before their turn, and have it now. */
  #giveDone(): void {
    for (;;) {
      const next = this.#pending.peek()
      if (next?.kept) {
        for (const part of next.kept) this.#output.append(part, 0, part.length)
        next.kept = null
      }
      if (next?.done !== true) return
      this.#pending.shift()
      if (!next.refused) this.context.counters.replies++
    }
  }

  #observed(
    exchange: SessionExchange,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    const { observer } = exchange
    if (observer === null) return true
    const seen = observer.onFrame(bytes.subarray(start, end), last)
    if (exchange.hidden) return true
    if (seen !== null) this.#give(exchange, seen, 0, seen.length, last)
    else if (last) this.#give(exchange, bytes, start, start, true)
    return this.#output.unread < this.context.limits.outputPauseBytes
  }

  onLost(exchange: SessionExchange, cause: ProxyError, fate: Fate): void {
    if (exchange.observer?.onLost(cause) === true || exchange.hidden) return
    const code: ErrorCode = cause.code
    if (code === 'HANDSHAKE_FAILED' || (fate === 'in-doubt' && code !== 'INDOUBT')) {
      this.close(code === 'HANDSHAKE_FAILED' ? 'error' : 'half-reply')
      return
    }
    exchange.refused = true
    if (this.state.transaction !== 'none') this.apply({ what: 'transaction-flawed' })
    const reply = errorReply(code)
    this.#give(exchange, reply, 0, reply.length, true)
  }

  onResume(fn: () => void): void {
    if (this.#input === 'closed' || this.#output.unread === 0) fn()
    else this.#socket.once('drain', fn).once('close', fn)
  }

  #idle(): void {
    if (this.pin.held && !this.pin.raw && this.reasons.length === 0 && this.#upload === null) {
      this.pin.giveBack()
    }
    const fn = this.#onIdle
    if (fn !== null) {
      this.#onIdle = null
      this.#proceed(fn)
    } else if (this.#input === 'ending') {
      this.#finish()
    }
  }

  // ── the pin's home ─────────────────────────────────────────────────────────────────────────

  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.subscriptions.isPush(type, bytes, start, end)
  }

  onPush(bytes: Uint8Array, start: number, end: number): void {
    this.#output.append(bytes, start, end)
    const { unread } = this.#output
    if (unread > this.context.limits.outputLimitBytes) {
      this.close('output-limit')
    } else if (unread > this.context.limits.outputPauseBytes) {
      this.pin.pause()
      this.onResume(() => {
        this.pin.resume()
      })
    }
  }

  onPinLost(): void {
    this.apply({ what: 'link-lost' })
  }

  rebuild(): readonly SessionExchange[] {
    return rebuildCommands(this)
  }

  again(exchange: SessionExchange): void {
    timeLeft(this, exchange)
  }

  onPinBroken(): void {
    this.close('lease-lost')
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────

  readonly #onEnd = (): void => {
    // a half-closed client still gets its replies, but one that waits inside the server is freed
    const head = this.#pending.peek()
    if (this.pin.raw || head?.traits.replay === 'blocking') this.#close('client')
    else if (this.#input === 'parked') this.#halfClosed = true
    else this.end('client')
  }

  readonly #onGone = (): void => {
    this.#close('client')
  }

  /** All replies are out: close, so that the client reads them before the end. */
  #finish(): void {
    this.#output.flush()
    this.#close(this.#ending, true)
  }

  #close(why: CloseReason, graceful = false): void {
    if (this.#input === 'closed') return
    const isClean = this.#pending.size === 0 && this.reasons.length === 0
    this.#input = 'closed'
    this.#rest = []
    this.#onIdle = null
    for (const exchange of this.#pending.drain()) {
      exchange.abandoned = true
      this.context.counters.dropped++
    }
    this.pin.close(isClean)
    if (graceful) this.#socket.end()
    else this.#socket.destroy()
    this.context.onClosed(this, why)
  }
}
