import { randomInt } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { HoldNotice, PlannedHoldReason } from '../feed/messages.ts'

export interface PlannedHold {
  /** Negative, so that it is never that of a hold of the vote. */
  readonly id: number
  readonly reason: PlannedHoldReason
  /** Monotonic milliseconds. */
  readonly expiresAt: number
}

export interface PlannedHoldHooks {
  onHold(hold: HoldNotice): void
  onRelease(id: number, reason: PlannedHoldReason | 'expired'): void
}

/** The holds of one group that people asked for. Each ends by itself when its time is over. */
export class PlannedHolds {
  readonly #clock: Clock
  readonly #hooks: PlannedHoldHooks
  readonly #holds = new Map<number, { readonly hold: PlannedHold; readonly cancel: () => void }>()
  /** Begins anywhere: a monitor before this one may have left holds, which are not to be mistaken. */
  #count = randomInt(2 ** 40)

  constructor(clock: Clock, hooks: PlannedHoldHooks) {
    this.#clock = clock
    this.#hooks = hooks
  }

  get all(): readonly PlannedHold[] {
    return [...this.#holds.values()].map(({ hold }) => hold)
  }

  hold(reason: PlannedHoldReason, ttlMs: number): PlannedHold {
    this.#count++
    const id = -this.#count
    const cancel = this.#clock.after(ttlMs, () => {
      if (this.#holds.delete(id)) this.#hooks.onRelease(id, 'expired')
    })
    const hold = { id, reason, expiresAt: this.#clock.now() + ttlMs }
    this.#holds.set(id, { hold, cancel })
    this.#hooks.onHold({ id, reason, ttlMs })
    return hold
  }

  /** Also ends a hold that only the data planes remember, of a monitor before this one. */
  release(id: number, reason: PlannedHoldReason): void {
    this.#holds.get(id)?.cancel()
    this.#holds.delete(id)
    this.#hooks.onRelease(id, reason)
  }

  /** What a data plane that has just come is to be told. */
  notices(): readonly HoldNotice[] {
    const now = this.#clock.now()
    return this.all.map(({ id, reason, expiresAt }) => {
      return { id, reason, ttlMs: Math.max(0, Math.round(expiresAt - now)) }
    })
  }

  /** The master has changed: that ends every hold, and the data planes know it by themselves. */
  clear(): void {
    for (const { cancel } of this.#holds.values()) cancel()
    this.#holds.clear()
  }
}
