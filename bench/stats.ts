/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2
}

/** The median of the quotients of values that were measured next to each other. */
export function medianRatio(over: readonly number[], under: readonly number[]): number {
  const ratios = over.flatMap((value, round) => {
    const other = under[round]
    return other === undefined || other === 0 ? [] : [value / other]
  })
  return median(ratios)
}
