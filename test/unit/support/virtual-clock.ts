import type { Clock } from '../../../src/base/clock.ts'

interface Timer {
  readonly at: number
  readonly fn: () => void
}

/** One turn of the event loop, so that promises and setImmediate callbacks are worked off. */
export async function turns(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((done) => setImmediate(done))
}

/** Time that stands still until the test turns it. */
export class VirtualClock implements Clock {
  #now = 1_000_000
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), fn }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  /** Timers that have not fired and were not cancelled. */
  get waiting(): number {
    return this.#timers.length
  }

  /** Time goes on and nothing is done: this process stands still. What was due is so afterwards. */
  stall(ms: number): void {
    this.#now += ms
  }

  /** Turns time by `ms`, firing what is due on the way, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#fireNext(end)) {
      // each timer may start others
    }
    this.#now = end
  }

  /** As `advance`, with turns of the event loop behind every timer, for code that awaits. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    await turns(2)
    while (this.#fireNext(end)) await turns(2)
    this.#now = end
    await turns(2)
  }

  #fireNext(end: number): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    }
    if (next === undefined) return false
    const fired = next
    this.#timers = this.#timers.filter((each) => each !== fired)
    this.#now = Math.max(this.#now, fired.at)
    fired.fn()
    return true
  }
}
