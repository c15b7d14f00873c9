/**
 * A histogram for hot paths: plain arithmetic, no allocation. Plain data, so that the supervisor
 * can add up the histograms of its workers.
 *
 *     bounds  [ 0.001, 0.01, 0.1 ]      counts [ n≤0.001, n≤0.01, n≤0.1, rest ]
 */
export interface Histogram {
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[]
  /** One more than bounds: what falls into each, not cumulated. */
  readonly counts: number[]
  /** Of everything observed, in seconds. */
  sum: number
}

export function histogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
}

/** Counts one observation. */
export function observe(into: Histogram, seconds: number): void {
  const { bounds, counts } = into
  let index = 0
  while (index < bounds.length && seconds > (bounds[index] ?? Infinity)) index++
  counts[index] = (counts[index] ?? 0) + 1
  into.sum += seconds
}
