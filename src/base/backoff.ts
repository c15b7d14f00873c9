export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * The waits between attempts: doubled each time from `minMs` to `maxMs`, each one drawn from the
 * upper half of its range so that many clients of one dead server do not come back together.
 */
export class Backoff {
  readonly #limits: BackoffLimits
  readonly #random: () => number
  #ceilingMs: number

  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits
    this.#random = random
    this.#ceilingMs = limits.minMs
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ceiling = this.#ceilingMs
    this.#ceilingMs = Math.min(ceiling * 2, this.#limits.maxMs)
    return ceiling / 2 + (this.#random() * ceiling) / 2
  }

  /** An attempt succeeded: the next failure waits the shortest time again. */
  reset(): void {
    this.#ceilingMs = this.#limits.minMs
  }
}
