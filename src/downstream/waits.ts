import { errorReply, ProxyError } from '../base/errors.ts'
import type { LeaseReason } from '../routing/traits.ts'
import type { Intake } from './intake.ts'
import { countUnserved } from './losses.ts'
import type { Session } from './session.ts'
import type { SessionExchange } from './session-exchange.ts'

/** What the next requests of one client wait for: their turn, a verdict, a link, another session. */
export class Waits {
  readonly #session: Session
  readonly #intake: Intake
  #onIdle: (() => void) | null = null
  /** What others want done between two commands of this client; null: nothing. */
  #between: (() => void)[] | null = null
  /** Who waits for this session to have a link. */
  #forLink: (() => void)[] = []

  constructor(session: Session, intake: Intake) {
    this.#session = session
    this.#intake = intake
  }

  /** Does something wait for the last reply that is owed? */
  get isPending(): boolean {
    return this.#onIdle !== null
  }

  /** Runs `fn` once every reply owed has been given; the client's next requests wait for it. */
  whenIdle(fn: () => void): void {
    if (this.#session.outstanding === 0) {
      fn()
      return
    }
    this.#intake.park()
    this.#onIdle = fn
  }

  /** Nothing more is taken from the client until all that was sent is answered. */
  forVerdict(): void {
    this.whenIdle(() => undefined)
  }

  /** Once idle, `begin` runs; the client's next requests wait until it calls back with what is next. */
  until(begin: (go: (then: () => void) => void) => void): void {
    this.whenIdle(() => {
      this.#intake.park()
      begin((then) => {
        this.#intake.proceed(then)
      })
    })
  }

  /** The way of `exchange` (of a lease: null) is full: the client's next requests wait. */
  forRoom(exchange: SessionExchange | null): void {
    const { pin, context, isReading } = this.#session
    if (!isReading) return
    if (exchange === null) this.#intake.stop()
    else this.#intake.park()
    const { parking } = this.#intake
    const go = (): void => {
      if (this.#onIdle === null) this.#intake.wake(parking)
    }
    if (exchange === null || pin.held) pin.onDrain(go)
    else context.dispatcher.onDrain(exchange, go)
  }

  /** Has a link of its own for `reason` when `then` runs; where none can be had, `failed` does. */
  pinned(
    reason: LeaseReason,
    then: () => void,
    failed: (cause: unknown) => void = (cause) => {
      this.#refuse(cause)
    },
  ): void {
    const { pin, context } = this.#session
    if (pin.held) {
      then()
      return
    }
    this.until((go) => {
      pin.take(reason).then(
        () => {
          context.counters.leasesTaken[reason]++
          go(then)
          this.onLinked()
        },
        (thrown: unknown) => {
          go(() => {
            failed(thrown)
          })
        },
      )
    })
  }

  /** Runs `fn` when the session's link is there; while it is made again, the client waits or is refused. */
  relinked(fn: () => void): void {
    const { pin } = this.#session
    if (!pin.isRebuilding) {
      fn()
      return
    }
    this.#intake.park()
    pin.onDrain(() => {
      this.#intake.proceed(() => {
        if (!pin.isRebuilding) fn()
        else this.#refuse(new ProxyError('MASTERDOWN'))
      })
    })
  }

  #refuse(thrown: unknown): void {
    const session = this.#session
    const code = thrown instanceof ProxyError ? thrown.code : 'MASTERDOWN'
    if (code === 'HANDSHAKE_FAILED') {
      session.close('error')
    } else if (code !== 'CLIENT_GONE') {
      countUnserved(session.context, code)
      session.apply({ what: 'transaction-flawed' }) // if there is one
      session.answer(errorReply(code))
    }
  }

  /**
   * Runs `fn`, for another session, where a command of the proxy's own may stand: in no transaction
   * and behind no command whose verdict is awaited. It is dropped when the client leaves.
   */
  between(fn: () => void): void {
    this.#between ??= []
    this.#between.push(fn)
    this.#runBetween()
  }

  /**
   * Calls back when the session has a link, which it takes for `reason` if it has none; or when it
   * can have none, or has gone: then `serverId` is 0.
   */
  linked(reason: LeaseReason, fn: () => void): void {
    const { pin } = this.#session
    if (pin.serverId !== 0) {
      fn()
      return
    }
    this.#forLink.push(fn)
    if (pin.held) return // its link is being made again
    this.between(() => {
      const told = (): void => {
        this.onLinked()
      }
      if (this.#forLink.length > 0) this.pinned(reason, told, told)
    })
  }

  /** The session has got a link, or cannot have one. */
  onLinked(): void {
    for (const fn of this.#forLink.splice(0)) fn()
  }

  /** Every reply owed has been given. false: nothing waited for it. */
  onLineEmpty(): boolean {
    const fn = this.#onIdle
    this.#onIdle = null
    if (fn !== null) this.#intake.proceed(fn)
    if (this.#between !== null) this.#runBetween()
    return fn !== null
  }

  /** The client has gone. */
  close(): void {
    this.#onIdle = null
    this.#between = null
    this.onLinked()
  }

  #runBetween(): void {
    const session = this.#session
    while (session.isReading && session.state.transaction === 'none') {
      const fn = this.#between?.shift()
      if (fn === undefined) {
        this.#between = null
        return
      }
      fn()
    }
  }
}
