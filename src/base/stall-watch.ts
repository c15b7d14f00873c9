import type { Clock } from './clock.ts'

const tickMs = 250
/** No failover is faster, and what a busy machine does to a process is shorter as a rule. */
const stallMs = 1_000

/**
 * Notices that this process stood still: it was stopped, or starved, or its whole machine was. What
 * comes first afterwards may be a timer or a socket, so whoever acts on what comes from outside has to
 * `look` first.
 */
export class StallWatch {
  readonly #clock: Clock
  readonly #onStall: (ms: number) => void
  #lastAt: number
  #cancel: () => void = () => undefined

  /** `onStall` is told how long it was, in milliseconds, before anything else goes on. */
  constructor(clock: Clock, onStall: (ms: number) => void) {
    this.#clock = clock
    this.#onStall = onStall
    this.#lastAt = clock.now()
    this.#tick()
  }

  look(): void {
    const now = this.#clock.now()
    const ms = now - this.#lastAt
    this.#lastAt = now
    if (ms >= stallMs + tickMs) this.#onStall(ms)
  }

  close(): void {
    this.#cancel()
  }

  #tick(): void {
    this.#cancel = this.#clock.after(tickMs, () => {
      this.look()
      this.#tick()
    })
  }
}
