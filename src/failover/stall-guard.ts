import { randomUUID } from 'node:crypto'
import type { Follower } from './follower.ts'

/** Its id among the holds of the follower; those of the monitor are numbers. */
export const stallHold = 'stall'

/**
 * While this process stood still another master may have been promoted, and the old one, if it stood
 * still too, is a master for some seconds more. So nothing new goes there until the monitor has asked
 * the sentinels after that: it says so, or names another master, or the time is over.
 */
export class StallGuard {
  readonly #follower: Follower
  readonly #ask: (token: string) => void
  readonly #longestMs: () => number
  #token = ''

  /**
   * `ask` has the monitor look; it is lost where the feed is not up. After `longestMs` nobody will
   * know more: there is no monitor, or it hears too few sentinels.
   */
  constructor(follower: Follower, ask: (token: string) => void, longestMs: () => number) {
    this.#follower = follower
    this.#ask = ask
    this.#longestMs = longestMs
  }

  stalled(): void {
    this.#token = randomUUID()
    this.#follower.hold(stallHold, 'stall', this.#longestMs())
    this.#ask(this.#token)
  }

  /** The feed is up again: what was asked before is lost. */
  askAgain(): void {
    if (this.#follower.holds.includes(stallHold)) this.#ask(this.#token)
  }

  /** The monitor has looked since it was asked with this token, and told all that it saw. */
  looked(token: string): void {
    if (token === this.#token) this.#follower.release(stallHold)
  }
}
