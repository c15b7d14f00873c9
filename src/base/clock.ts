/** Time as a dependency, so that tests turn it by hand. All times are milliseconds. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number
  /** Calls `fn` once after `ms`; the returned function cancels it. Does not keep a process alive. */
  after(ms: number, fn: () => void): () => void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}
