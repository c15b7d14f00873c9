import type { Socket } from 'node:net'
import type { ProxyError } from '../base/errors.ts'
import type { PassingMemory } from '../base/part-memory.ts'
import type { Fate } from '../dispatcher.ts'
import { encodeRequest } from '../protocol/request.ts'
import { blocks } from '../routing/arguments.ts'
import { localTraits, type LeaseReason, type Traits } from '../routing/traits.ts'
import { Intake, type IntakeHome } from './intake.ts'
import { isLinkOnly } from './link-only.ts'
import { lossReply, whyClosed } from './losses.ts'
import { instead } from './observers.ts'
import { addressesOf, hangUp } from './peer.ts'
import { Pin } from './pin.ts'
import { PinnedSession } from './pinned-session.ts'
import { restOf } from './pipeline.ts'
import { RequestReader } from './request-reader.ts'
import { ReplyLine, type ReplyLineHome } from './reply-line.ts'
import { SessionExchange, type ExchangeHome, type Observer } from './session-exchange.ts'
import type { Request, SendOptions } from './session-request.ts'
import type { CloseReason, SessionContext } from './session-context.ts'
import {
  actsInTransaction,
  leaseReasons,
  reduce,
  type SessionState,
  type StateEvent,
} from './session-state.ts'
import { withSharedReads, type Reader } from './shared-read.ts'
import { Subscriptions } from './subscriptions.ts'
import { Tracking } from './tracking.ts'
import type { Transaction } from './transaction.ts'
import { Waits } from './waits.ts'

const pingRequest = encodeRequest(['PING'])
const nothingKnown: ReadonlyMap<string, string> = new Map()

/** One client connection and the Redis connection state it has built up. */
export class Session implements ExchangeHome, IntakeHome, ReplyLineHome, Reader {
  // what every command needs stands first, since it lies together in memory
  readonly context: SessionContext
  readonly #intake: Intake
  readonly #reader: RequestReader
  readonly #line: ReplyLine
  state: SessionState
  /** The open transaction, kept to be queued again on another link. */
  transaction: Transaction | null = null
  /** The link of a lane that its commands take. */
  link = 0
  /** The generation that last answered a write of this client; 0: none, or WAIT has confirmed it. */
  wroteIn = 0
  /** Has any write of this client been answered? */
  hasWritten = false
  // made when they are first asked for: most clients never need them
  #pin: Pin | null = null
  #waits: Waits | null = null
  #tracking: Tracking | null = null
  #subscriptions: Subscriptions | null = null

  readonly id: number
  /** When the client came. */
  readonly since: number
  /** CLIENT SETINFO: what the client said of its library, by the names of CLIENT INFO. */
  library: ReadonlyMap<string, string> = nothingKnown
  /** The link (by its number in `pin.taken`) on which WAIT counts from an honest offset. */
  barrierOn = 0
  readonly #socket: Socket
  #ending: CloseReason = 'client'

  constructor(id: number, socket: Socket, context: SessionContext) {
    this.id = id
    this.context = context
    this.state = context.firstState
    this.since = context.clock.now()
    this.#reader = new RequestReader(this)
    withSharedReads(socket, this)
    this.#socket = socket
    this.#intake = new Intake(socket, context, this)
    this.#line = new ReplyLine(socket, context, this)
    this.#reader.limitStrangers()
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onGone)
    socket.on('close', this.#onGone)
  }

  /** Where its commands go when the clients are spread over the links of a lane. */
  get home(): number {
    return this.id
  }

  get pin(): Pin {
    const { dispatcher, clock } = this.context
    return (this.#pin ??= new Pin(dispatcher, new PinnedSession(this, this.#line), clock))
  }

  /** The pin, if the session has a link of its own. */
  get pinned(): Pin | null {
    return this.#pin?.held === true ? this.#pin : null
  }

  /** The number of its own link on the server (CLIENT ID); 0 without one. */
  get serverId(): number {
    return this.#pin?.serverId ?? 0
  }

  get waits(): Waits {
    return (this.#waits ??= new Waits(this, this.#intake))
  }

  get tracking(): Tracking {
    return (this.#tracking ??= new Tracking(this))
  }

  get subscriptions(): Subscriptions {
    return (this.#subscriptions ??= new Subscriptions())
  }

  get subscriptionCount(): number {
    return this.#subscriptions?.size ?? 0
  }

  /** Why the session holds a link of its own; empty on the shared lane. */
  get reasons(): LeaseReason[] {
    return leaseReasons(this.state, this.subscriptionCount)
  }

  /** May the server say something on its link that answers no command? */
  get hearsPushes(): boolean {
    const { sticky, transaction } = this.state
    if (this.pinned?.raw !== false || transaction !== 'none') return false
    return this.subscriptionCount > 0 || sticky.has('tracking') || sticky.has('redirect')
  }

  /** Replies owed to the client. */
  get outstanding(): number {
    return this.#line.count
  }

  /** The command whose reply the client waits for. */
  get waitsFor(): SessionExchange | undefined {
    return this.#line.head ?? undefined
  }

  /** The client's address as CLIENT LIST shows it, and the one that it connected to. */
  get addresses(): { readonly peer: string; readonly own: string } {
    return addressesOf(this.#socket)
  }

  apply(event: StateEvent): void {
    this.state = reduce(this.state, event)
    if (event.what === 'authenticated' || event.what === 'reset') this.#reader.limitStrangers()
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  onChunk(chunk: Uint8Array): void {
    const { turn, counters } = this.context
    this.context.beforeRead()
    counters.clientBytesIn += chunk.length
    turn.begin()
    this.#intake.onData(chunk)
    turn.end()
  }

  get memory(): PassingMemory {
    return this.context.memory
  }

  get isUploading(): boolean {
    return this.#reader.isUploading
  }

  take(chunk: Uint8Array, from: number): number {
    return this.#reader.take(chunk, from)
  }

  get isReading(): boolean {
    return this.#intake.state === 'reading'
  }

  /** A command of the client's, as its state has it at this moment. */
  exchange(traits: Traits, bytes: Uint8Array, start: number, end: number): SessionExchange {
    const { link, replies, transaction } = this.state
    const exchange = new SessionExchange(this, traits, link, bytes, start, end)
    if (replies !== 'on') {
      exchange.muted = true
      if (replies === 'skip') this.apply({ what: 'replies', mode: 'on' })
    }
    exchange.queued = transaction !== 'none' && !actsInTransaction(traits.verb)
    exchange.linkOnly = isLinkOnly(traits.verb, transaction !== 'none')
    return exchange
  }

  /** Sends a command and keeps its place in the client's line. */
  dispatch(exchange: SessionExchange): void {
    exchange.isAlone = this.#line.isEmpty
    this.#line.expect(exchange)
    const way = this.pinned ?? this.context.dispatcher
    if (!way.dispatch(exchange)) this.waits.forRoom(exchange)
  }

  // ── what verbs use ─────────────────────────────────────────────────────────────────────────

  /**
   * A reply of the proxy's own, in its place in the client's line. Where the server may have said
   * something that answers no command, it must be heard before: `behind` is sent, and when the
   * server answers that, the client hears the reply instead.
   */
  answer(bytes: Uint8Array, behind: Uint8Array = pingRequest): void {
    this.context.counters.commands.local++
    if (this.hearsPushes) {
      const exchange = this.exchange(localTraits, behind, 0, behind.length)
      exchange.observer = instead(bytes)
      this.dispatch(exchange)
      return
    }
    const exchange = this.exchange(localTraits, bytes, 0, 0)
    this.#line.expect(exchange)
    this.#line.give(exchange, bytes, 0, bytes.length, true)
  }

  /** Sends a request the way the session's state demands. */
  send(request: Request, options: SendOptions = {}): SessionExchange {
    const bytes = options.renew?.() ?? options.bytes ?? request.bytes
    const exchange = this.exchange(request.traits, bytes, 0, bytes.length)
    exchange.observer = options.observer ?? null
    exchange.renew = options.renew ?? null
    exchange.replies = options.replies ?? 1
    exchange.errorEnds = options.errorEnds ?? false
    if (options.alwaysHeard === true) exchange.muted = false
    if (options.streamed === true) exchange.body = 'receiving'
    const isPinned = this.pinned !== null
    if (options.via !== undefined && !isPinned) exchange.via = options.via
    const { commands } = this.context.counters
    commands[isPinned ? 'lease' : exchange.via === 'control' ? 'control' : 'lane']++
    if (!exchange.queued && blocks(request.traits, request.args)) {
      exchange.startedAt = this.context.clock.now()
    }
    this.dispatch(exchange)
    return exchange
  }

  /** Sends a command of the proxy's own on the pinned link; nobody sees its reply. */
  sendHidden(bytes: Uint8Array, observer: Observer | null = null): void {
    this.pin.dispatch(this.hidden(bytes, observer))
  }

  hidden(bytes: Uint8Array, observer: Observer | null = null): SessionExchange {
    const { state } = this
    const { length } = bytes
    const exchange = new SessionExchange(this, localTraits, state.link, bytes, 0, length)
    exchange.hidden = true
    exchange.linkOnly = true
    exchange.observer = observer
    return exchange
  }

  /** A frame that answers no command, as if the server had sent it; between two others. */
  inject(frame: Uint8Array): void {
    this.#line.inject(frame)
  }

  /** Back to the shared lane, if nothing of the session is on its link any more. */
  giveBackUnneeded(): void {
    const { pinned } = this
    if (pinned === null || !this.#line.isEmpty || pinned.raw || this.#reader.isUploading) return
    if (this.reasons.length === 0) pinned.giveBack()
  }

  /** No more requests; the replies owed are delivered, then the connection is closed. */
  end(why: CloseReason): void {
    const { state } = this.#intake
    if (state === 'closed' || state === 'ending') return
    this.#intake.end()
    this.#ending = why
    if (this.#line.isEmpty) this.#finish()
  }

  /** The process ends: as `end`, but nobody waits for a client that itself waits in the server. */
  shutDown(): void {
    if (this.#line.head?.waitsInside === true) this.close('shutdown')
    else this.end('shutdown')
  }

  /** Closes the connection now; what is in flight for it is dropped. */
  close(why: CloseReason): void {
    if (this.#intake.state === 'closed') return
    this.#line.flush()
    this.#close(why, false)
  }

  onAllTaken(): void {
    this.end('client')
  }

  onEndingStep(): void {
    if (this.#line.isEmpty && !this.waits.isPending) this.#finish()
  }

  // ── replies ────────────────────────────────────────────────────────────────────────────────

  onReply(
    exchange: SessionExchange,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    if (exchange.traits.write && (last || exchange.commands > 1)) {
      this.wroteIn = this.context.generation()
      this.hasWritten = true
    }
    if (last && exchange.queued) this.transaction?.confirm()
    const { observer } = exchange
    if (observer === null) {
      return exchange.hidden || this.#line.give(exchange, bytes, start, end, last)
    }
    const seen = observer.onFrame(bytes.subarray(start, end), last)
    if (exchange.hidden) return true
    if (seen !== null) return this.#line.give(exchange, seen, 0, seen.length, last)
    return !last || this.#line.give(exchange, bytes, start, start, true)
  }

  split(pipeline: SessionExchange): SessionExchange[] {
    return this.#line.split(pipeline, restOf(this, pipeline))
  }

  onUnwanted(bytes: Uint8Array, start: number, end: number): boolean {
    this.context.memory.arrival.gone(bytes, start, end)
    return true
  }

  onLost(exchange: SessionExchange, cause: ProxyError, fate: Fate): void {
    const instead = exchange.observer?.onLost(cause) ?? false
    if (instead === true || exchange.hidden) return
    if (instead !== false) {
      this.#line.give(exchange, instead, 0, instead.length, true)
      return
    }
    if (exchange.traits.verb === 'shutdown') {
      this.close('client') // the server has obeyed: a closed connection is its only answer
      return
    }
    const why = whyClosed(cause.code, fate)
    if (why !== null) {
      this.close(why)
      return
    }
    exchange.refused = true
    if (this.state.transaction !== 'none') this.apply({ what: 'transaction-flawed' })
    const reply = lossReply(exchange, cause.code)
    this.#line.give(exchange, reply, 0, reply.length, true)
  }

  onResume(fn: () => void): void {
    this.#line.onResume(fn)
  }

  onOverflow(): void {
    this.close('output-limit')
  }

  onLineEmpty(): void {
    this.giveBackUnneeded()
    if (this.#waits?.onLineEmpty() !== true && this.#intake.state === 'ending') this.#finish()
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────

  readonly #onEnd = (): void => {
    // a half-closed client still gets its replies, but one that waits inside the server is freed
    // and of one whose command waits at the gate, nobody knows that it is not gone: it is not run
    const isHeld = !this.#line.isEmpty && this.context.isHolding()
    const isWaiting = this.#line.head?.waitsInside === true || isHeld
    if (this.pinned?.raw === true || isWaiting) this.#close('client', false)
    else if (this.#intake.state === 'parked') this.#intake.halfClosed = true
    else this.end('client')
  }

  readonly #onGone = (): void => {
    this.#close('client', false)
  }

  /** All replies are out: close, so that the client reads them before the end. */
  #finish(): void {
    this.#line.flush()
    this.#close(this.#ending, true)
  }

  #close(why: CloseReason, graceful: boolean): void {
    if (this.#intake.state === 'closed') return
    const isClean = this.#line.isEmpty && this.reasons.length === 0
    this.#intake.close()
    this.#line.abandon()
    this.pin.close(isClean)
    this.#waits?.close()
    hangUp(this.#socket, graceful, this.context.clock)
    this.context.onClosed(this, why)
    this.#tracking?.onGone()
  }
}
