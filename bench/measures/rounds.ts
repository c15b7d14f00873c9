import { canServe, type Cell } from '../cells.ts'
import type { Sample } from '../load/sample.ts'
import { prepare, runCell } from '../load/run-cell.ts'
import type { CellResult } from '../results.ts'
import type { Origin, Target } from '../targets/target.ts'

/**
 * Runs every cell against every target, the targets of one cell directly after each other, and all
 * of it again in each round: what disturbs the machine for a while disturbs all of them alike.
 */
export async function runRounds(
  cells: readonly Cell[],
  targets: readonly Target[],
  origin: Origin,
  options: { readonly rounds: number; readonly seconds: number },
  say: (line: string) => void,
): Promise<CellResult[]> {
  const results: CellResult[] = cells.map((cell) => ({ cell, samples: {} }))
  for (let round = 1; round <= options.rounds; round++) {
    for (const { cell, samples } of results) {
      const sha = await prepare(cell, origin)
      for (const target of targets) {
        if (!canServe(target.name, cell)) continue
        const sample = await runCell(cell, target, origin, sha, options.seconds)
        samples[target.name] = [...(samples[target.name] ?? []), sample]
        say(`${round}/${options.rounds}  ${lineOf(cell, target, sample)}`)
      }
    }
  }
  return results
}

function lineOf({ name }: Cell, target: Target, sample: Sample): string {
  const { perSecond, p50Ms, p99Ms, proxyUs, redisUs } = sample
  return [
    name.padEnd(24),
    target.name.padEnd(12),
    `${Math.round(perSecond)}/s`.padStart(10),
    `p50 ${p50Ms.toFixed(2)} ms`.padStart(14),
    `p99 ${p99Ms.toFixed(2)} ms`.padStart(14),
    `CPU ${proxyUs.toFixed(2)} + ${redisUs.toFixed(2)} µs`,
  ].join('  ')
}
