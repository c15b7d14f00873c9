import { medianRatio, median } from './stats.ts'
import type { Cell } from './cells.ts'
import type { Sample } from './load/sample.ts'
import type { Machine } from './machine.ts'
import type { ExtremeResult } from './measures/extremes.ts'
import type { TargetName } from './targets/target.ts'

/** All samples of one cell; the index is the round. */
export interface CellResult {
  readonly cell: Cell
  readonly samples: Partial<Record<TargetName, Sample[]>>
}

/** Everything that one run of the benchmark found out; plain data. */
export interface Results {
  readonly machine: Machine
  readonly rounds: number
  readonly seconds: number
  readonly pinned: boolean
  readonly targets: readonly TargetName[]
  /** Targets that could not be started, and why. */
  readonly missing: readonly string[]
  readonly cells: readonly CellResult[]
  readonly extremes: readonly ExtremeResult[]
}

export type Field = keyof Sample

/** One figure of all rounds. */
export function series(result: CellResult, target: TargetName, field: Field): number[] {
  return (result.samples[target] ?? []).map((sample) => sample[field])
}

/** Processor time of proxy and Redis together, in all rounds. */
export function togetherUs(result: CellResult, target: TargetName): number[] {
  return (result.samples[target] ?? []).map(({ proxyUs, redisUs }) => proxyUs + redisUs)
}

/** The median over the rounds; NaN where it was not measured. */
export function middle(result: CellResult, target: TargetName, field: Field): number {
  return median(series(result, target, field))
}

/** The median of the rounds' ratios; NaN where one of the two was not measured. */
export function ratio(
  result: CellResult,
  over: TargetName,
  under: TargetName,
  field: Field = 'perSecond',
): number {
  return medianRatio(series(result, over, field), series(result, under, field))
}
