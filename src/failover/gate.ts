import type { Clock } from '../base/clock.ts'
import { deferred, type Deferred } from '../base/deferred.ts'
import { ProxyError } from '../base/errors.ts'
import type { Turn } from '../base/turn.ts'
import type {
  Arbiter,
  Dispatcher,
  Exchange,
  Fate,
  Generation,
  Identity,
  Lease,
  LeaseOwner,
  LinkState,
} from '../dispatcher.ts'
import type { LeaseReason, ReplayClass } from '../routing/traits.ts'
import { GateLease } from './gate-lease.ts'
import { HoldQueue, type HoldLimits } from './hold-queue.ts'
import { judge, replayedBy, type InDoubtPolicy } from './replay.ts'
import { isForOneMaster, isScript, mayBeRefused, provesNotExecuted } from './symptoms.ts'
import { symptomOf, type Symptom } from './symptoms.ts'

/** Why the gate does not let commands pass; the label of `holds_total{reason}`. */
export type HoldReason = Symptom | 'starting' | 'failover' | 'switch' | 'operator' | 'stall'

/**
 * open: commands pass · holding: they wait for a master · draining: those that waited are being
 * sent, newer ones wait behind them · failfast: the hold window is over, new ones are refused.
 */
export type GateState =
  | { readonly name: 'open'; readonly generation: Generation }
  | { readonly name: 'holding'; readonly since: number; readonly reason: HoldReason }
  | { readonly name: 'draining'; readonly generation: Generation; readonly since: number }
  | { readonly name: 'failfast'; readonly since: number; readonly reason: HoldReason }

/** Limits of the gate. Times in milliseconds. */
export interface GateOptions extends HoldLimits {
  /** The longest that a command waits here. Read at each hold, since `auto` follows the group. */
  readonly holdWindowMs: () => number
  /** Commands sent per event-loop turn while draining. */
  readonly drainBatch: number
  readonly inDoubt: InDoubtPolicy
}

/** What allowed a command to be sent again; the label of `replayed_total`. */
export type ReplayBy = 'unsent' | 'refused' | Exclude<ReplayClass, 'never'>

/** What the gate reports. Every move once; commands are only counted. */
export interface GateObserver {
  onMove(from: GateState['name'], to: GateState, heldMs: number): void
  /** The data path has met something that a healthy master does not do. */
  onSymptom(symptom: Symptom, generation: Generation | null, detail: string): void
  /** A command will be sent again, and what allows it. */
  onReplay(by: ReplayBy): void
  onInDoubt(): void
  /** The master refuses a user that it accepted before. */
  onIdentityRefused(identity: Identity): void
  /** A command was answered with an error of ours and not executed. */
  onRefused(why: 'hold-window' | 'hold-commands' | 'upload-cut'): void
}

/** The one place that decides whether a command goes on, waits, or fails. */
export class Gate implements Dispatcher, Arbiter {
  readonly queue: HoldQueue

  readonly #options: GateOptions
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #observer: GateObserver
  #state: GateState
  /** The generation commands go to while the gate is open, else null: the one test of the hot path. */
  #target: Generation | null = null
  #leases = new Set<GateLease>()
  #drainListeners: (() => void)[] = []
  #opened: Deferred<Generation> = deferred()
  #cancelTimer: (() => void) | null = null
  /** When the timer fires; Infinity where there is none. */
  #armedFor = Infinity

  constructor(options: GateOptions, clock: Clock, turn: Turn, observer: GateObserver) {
    this.#options = options
    this.#clock = clock
    this.#turn = turn
    this.#observer = observer
    this.queue = new HoldQueue(options)
    this.#state = { name: 'holding', since: clock.now(), reason: 'starting' }
    this.#arm()
  }

  get state(): GateState {
    return this.#state
  }

  /** The gate holds because people want it so: the master is sound. */
  get isPlannedHold(): boolean {
    return this.#state.name === 'holding' && this.#state.reason === 'operator'
  }

  /** May the leases of this generation be used? */
  leadsTo(generation: Generation): boolean {
    return this.#generation() === generation
  }

  dispatch(exchange: Exchange): boolean {
    const target = this.#target
    if (target !== null) return target.dispatch(exchange)
    this.#hold(exchange)
    return false
  }

  onDrain(exchange: Exchange, fn: () => void): void {
    if (this.#target !== null) this.#target.onDrain(exchange, fn)
    else if (this.#state.name === 'failfast') queueMicrotask(fn)
    else this.#drainListeners.push(fn)
  }

  async lease(state: LinkState, reason: LeaseReason, owner: LeaseOwner): Promise<Lease> {
    const deadline = this.#clock.now() + this.#options.holdWindowMs()
    for (;;) {
      const generation = await this.#whenOpen(deadline)
      const lease = new GateLease(this, generation, owner)
      try {
        lease.attach(await generation.lease(state, reason, lease, lease))
      } catch (thrown) {
        // fenced by a switch: the next one; but where the gate still leads there, all has ended
        const isFenced = thrown instanceof ProxyError && thrown.code === 'FENCED'
        if (isFenced && !this.leadsTo(generation)) continue
        throw isFenced ? new ProxyError('MASTERDOWN', undefined, { cause: thrown }) : thrown
      }
      if (generation !== this.#generation()) {
        lease.release(false)
        continue
      }
      this.#leases.add(lease)
      return lease
    }
  }

  // ── moves ──────────────────────────────────────────────────────────────────────────────────

  /** From now on commands wait. */
  hold(reason: HoldReason): void {
    const { name } = this.#state
    if (name === 'holding' || name === 'failfast') return
    this.#move({ name: 'holding', since: this.#clock.now(), reason })
  }

  /** Opens towards `generation` (a new one, or the same that went on): what waited is sent first. */
  admit(generation: Generation): void {
    if (this.#state.name === 'open' || this.#state.name === 'draining') {
      throw new Error(`admit() in state ${this.#state.name}`)
    }
    this.#move({ name: 'draining', generation, since: this.#clock.now() })
    this.#opened.resolve(generation)
    this.#opened = deferred()
    for (const lease of this.#leases) lease.proceed()
    this.#drain()
  }

  #move(to: GateState): void {
    const from = this.#state
    this.#state = to
    this.#target = to.name === 'open' ? to.generation : null
    const heldMs = from.name === 'open' ? 0 : this.#clock.now() - from.since
    this.#observer.onMove(from.name, to, heldMs)
    this.#arm()
  }

  /** Sends what waits, a batch a turn; then wakes the clients that were told to pause. */
  readonly #drain = (): void => {
    const state = this.#state
    if (state.name !== 'draining') return
    this.#turn.begin()
    for (let i = 0; i < this.#options.drainBatch; i++) {
      const exchange = this.queue.next()
      if (exchange === undefined) {
        const listener = this.#drainListeners.shift()
        if (listener === undefined) {
          this.#move({ name: 'open', generation: state.generation })
          break
        }
        this.#target = state.generation // nothing is held any more: what they bring may pass
        listener()
        this.#target = null
      } else {
        state.generation.dispatch(exchange)
      }
    }
    this.#turn.end()
    setImmediate(this.#drain)
  }

  // ── waiting ────────────────────────────────────────────────────────────────────────────────

  #hold(exchange: Exchange): void {
    if (this.#state.name === 'failfast' || isForOneMaster(exchange))
      this.#refuse(exchange, 'MASTERDOWN')
    else if (this.queue.hold(exchange)) this.#stamp(exchange)
    else this.#refuse(exchange, 'TRYAGAIN')
  }

  /**
   * Gives a command its deadline, once in its life; but one that waited inside a server since its
   * last hold (a BLPOP without end) has a window of its own for the next.
   */
  #stamp(exchange: Exchange): void {
    const isPast = exchange.traits.replay === 'blocking' && exchange.deadline < this.#clock.now()
    if (exchange.deadline === 0 || isPast) {
      exchange.deadline = this.#clock.now() + this.#options.holdWindowMs()
    }
    if (this.#state.name !== 'open' && exchange.deadline < this.#armedFor) {
      this.#armFor(exchange.deadline)
    }
  }

  /** Counts a command that waits at a lease. false: it has been refused. */
  reserve(exchange: Exchange): boolean {
    if (this.#state.name === 'failfast') this.#refuse(exchange, 'MASTERDOWN')
    else if (!this.queue.reserve(exchange)) this.#refuse(exchange, 'TRYAGAIN')
    else {
      this.#stamp(exchange)
      return true
    }
    return false
  }

  #refuse(exchange: Exchange, code: 'MASTERDOWN' | 'TRYAGAIN'): void {
    this.#observer.onRefused(code === 'MASTERDOWN' ? 'hold-window' : 'hold-commands')
    exchange.onLost(new ProxyError(code), 'unsent')
  }

  /** One timer: for the first deadline of what waits, and for the end of the hold window. */
  #arm(): void {
    this.#armFor(Infinity)
    const state = this.#state
    if (state.name === 'open') return
    const windowEnds =
      state.name === 'holding' ? state.since + this.#options.holdWindowMs() : Infinity
    let next = Math.min(windowEnds, this.queue.nextDeadline())
    for (const lease of this.#leases) next = Math.min(next, lease.nextDeadline())
    this.#armFor(next)
  }

  #armFor(time: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#armedFor = time
    if (time === Infinity) return
    this.#cancelTimer = this.#clock.after(Math.max(1, time - this.#clock.now()), () => {
      this.#expire()
    })
  }

  #expire(): void {
    const now = this.#clock.now()
    const state = this.#state
    this.#turn.begin()
    if (state.name === 'holding' && now >= state.since + this.#options.holdWindowMs()) {
      this.#move({ name: 'failfast', since: now, reason: state.reason })
      this.#opened.promise.catch(() => undefined)
      this.#opened.reject(new ProxyError('MASTERDOWN'))
      this.#opened = deferred()
    }
    for (const exchange of this.queue.expired(now)) this.#refuse(exchange, 'MASTERDOWN')
    for (const lease of this.#leases) {
      for (const exchange of lease.expired(now)) this.#refuse(exchange, 'MASTERDOWN')
    }
    if (this.#state.name === 'failfast') {
      for (const listener of this.#drainListeners.splice(0)) queueMicrotask(listener)
    }
    this.#turn.end()
    this.#arm()
  }

  async #whenOpen(deadline: number): Promise<Generation> {
    const generation = this.#generation()
    if (generation !== null) return generation
    const wait = deadline - this.#clock.now()
    if (this.#state.name === 'failfast' || wait <= 0) throw new ProxyError('MASTERDOWN')
    const timeout = deferred<never>()
    const cancel = this.#clock.after(wait, () => {
      timeout.reject(new ProxyError('MASTERDOWN'))
    })
    try {
      return await Promise.race([this.#opened.promise, timeout.promise])
    } finally {
      cancel()
    }
  }

  #generation(): Generation | null {
    const state = this.#state
    return state.name === 'open' || state.name === 'draining' ? state.generation : null
  }

  // ── the arbiter of links ───────────────────────────────────────────────────────────────────

  takesBack(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.refuses(exchange, bytes, start, end)) return false
    exchange.attempts--
    this.#observer.onReplay('refused')
    this.#takeBack(exchange)
    return true
  }

  /** Does this reply prove that the command was not executed (or may it be asked again)? */
  refuses(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    const symptom = bytes[start] === 0x2d /* - */ ? symptomOf(bytes, start, end) : null
    if (symptom === null) {
      // a read behind a refused command of the same client must not be answered before it
      return exchange.traits.replay === 'read' && bytes[start] !== 0x2d
    }
    // a script may say what it likes: its words must not stop everybody else
    if (isScript(exchange)) return false
    this.holdFor(symptom, exchange)
    return provesNotExecuted(exchange)
  }

  doubts(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    return mayBeRefused(exchange) && symptomOf(bytes, start, end) === 'readonly'
  }

  takesBackScript(exchange: Exchange): void {
    this.holdFor('readonly', exchange)
    exchange.attempts--
    this.#observer.onReplay('refused')
    this.#takeBack(exchange)
  }

  /** The server has refused this command as one that is no master. */
  holdFor(symptom: Symptom, exchange: Exchange): void {
    if (this.#state.name !== 'open' && this.#state.name !== 'draining') return
    const generation = this.#generation()
    this.hold(symptom)
    this.#observer.onSymptom(symptom, generation, `${exchange.traits.name} was refused`)
  }

  onLost(exchange: Exchange, cause: ProxyError, fate: Fate, begun: boolean): void {
    if (cause.code === 'HANDSHAKE_FAILED') exchange.onLost(cause, fate)
    else if (this.judge(exchange, cause, fate, begun)) this.#takeBack(exchange)
  }

  /** true: it may be sent again. Else its client has been told. */
  judge(exchange: Exchange, cause: ProxyError, fate: Fate, begun: boolean): boolean {
    switch (judge(exchange, fate, begun, this.#options.inDoubt)) {
      case 'again':
        this.#observer.onReplay(replayedBy(exchange, fate))
        return true
      case 'in-doubt':
        this.#observer.onInDoubt()
        exchange.onLost(new ProxyError('INDOUBT', undefined, { cause }), 'in-doubt')
        return false
      case 'cut':
        this.#observer.onRefused('upload-cut')
        exchange.onLost(new ProxyError('UPLOAD_CUT', undefined, { cause }), 'unsent')
        return false
      case 'half-reply':
        exchange.onLost(new ProxyError('HALF_REPLY', cause.message, { cause }), 'in-doubt')
        return false
      case 'close':
        exchange.onLost(cause, 'in-doubt')
        return false
      case 'drop':
        return false
    }
  }

  onLinkLost(generation: Generation, cause: ProxyError): void {
    if (generation !== this.#generation()) return
    this.hold('link-lost')
    this.#observer.onSymptom('link-lost', generation, cause.message)
  }

  onIdentityRefused(identity: Identity): void {
    this.#observer.onIdentityRefused(identity)
  }

  #takeBack(exchange: Exchange): void {
    if (this.#state.name === 'failfast') {
      this.#refuse(exchange, 'MASTERDOWN')
      return
    }
    this.queue.replay(exchange)
    this.#stamp(exchange)
  }

  /** A lease has ended. */
  forget(lease: GateLease): void {
    this.#leases.delete(lease)
  }
}
