import { median, medianRatio } from './stats.ts'
import { ratio, series, togetherUs, type CellResult, type Field, type Results } from './results.ts'
import type { TargetName } from './targets/target.ts'

/** What the proxy shall reach, and by what it is judged. All for one multiplexed process. */
export interface Goal {
  readonly text: string
  /** The bound; `atLeast`: the figure may not be below it, else not above. */
  readonly bound: number
  readonly atLeast: boolean
  readonly unit: string
  /** One figure of `own` for each cell that was measured; all must hold. */
  figures(results: Results, own: TargetName): number[]
}

type Measure = (cell: CellResult, own: TargetName) => number

function ofCells(names: readonly string[], measure: Measure): Goal['figures'] {
  return ({ cells }, own) =>
    cells
      .filter(({ cell }) => names.includes(cell.name))
      .map((cell) => measure(cell, own))
      .filter((figure) => !Number.isNaN(figure))
}

function getAndSet(rest: string): string[] {
  return [`get ${rest}`, `set ${rest}`]
}

function throughput(
  title: string,
  names: readonly string[],
  bounds: Partial<Record<TargetName, number>>,
): Goal[] {
  return Object.entries(bounds).map(([peer, bound]) => ({
    text: `${title}: throughput over ${peer}`,
    bound,
    atLeast: true,
    unit: '×',
    figures: ofCells(names, (cell, own) => ratio(cell, own, peer as TargetName)),
  }))
}

/** Latency over that of a peer. */
function latency(title: string, names: readonly string[], peer: TargetName, field: Field): Goal {
  return {
    text: `${title}: ${field.replace('Ms', '')} over ${peer}`,
    bound: 1,
    atLeast: false,
    unit: '×',
    figures: ofCells(names, (cell, own) => ratio(cell, own, peer, field)),
  }
}

function processor(names: readonly string[], peer: TargetName, bound: number): Goal {
  return {
    text: `c ≥ 50, P=1: processor time of proxy and Redis together over ${peer}`,
    bound,
    atLeast: false,
    unit: '×',
    figures: ofCells(names, (cell, own) =>
      medianRatio(togetherUs(cell, own), togetherUs(cell, peer)),
    ),
  }
}

/** A figure of an extreme; `most`: of several names the largest. */
function extreme(text: string, bound: number, start: string, names: readonly string[]): Goal {
  return {
    text,
    bound,
    atLeast: false,
    unit: names[0]?.split(' ').at(-1) ?? '',
    figures: ({ extremes }, own) =>
      names.flatMap((name) => {
        const values = extremes
          .filter((each) => each.target === own && each.extreme.startsWith(start))
          .flatMap(({ figures }) => figures[name] ?? [])
        return values.length === 0 ? [] : [median(values)]
      }),
  }
}

const many = [...getAndSet('c=500 P=1 3 B'), ...getAndSet('c=5000 P=1 3 B')]
const fifty = getAndSet('c=50 P=1 3 B')
const pipelined = getAndSet('c=50 P=16 3 B')
const bigger = [...getAndSet('c=50 P=1 16 KiB'), ...getAndSet('c=50 P=1 1 MiB')]
const single = getAndSet('c=1 P=1 3 B')
const usual = [...fifty, ...getAndSet('c=500 P=1 3 B')]

export const goals: readonly Goal[] = [
  ...throughput('c=500 and 5,000, P=1', many, { direct: 1.1, twemproxy: 1, haproxy: 1.6 }),
  ...throughput('c=50, P=1', fifty, { direct: 0.95, twemproxy: 1, haproxy: 1.4 }),
  ...throughput('c=50, P=16', pipelined, { direct: 0.9, twemproxy: 1.8, haproxy: 1.3 }),
  ...throughput('16 KiB and 1 MiB', bigger, { direct: 0.9, haproxy: 1 }),
  latency('c=1', single, 'haproxy', 'p50Ms'),
  latency('c=50 and 500, P=1', usual, 'haproxy', 'p99Ms'),
  processor([...fifty, ...many], 'haproxy', 0.6),
  processor([...fifty, ...many], 'twemproxy', 1),
  extreme('memory of an idle client at 10,000', 16, 'idle', ['each KiB']),
  extreme('growth of memory for a value of 64 MiB in and out', 8, 'large', ['in MiB', 'out MiB']),
]

export interface Verdict {
  readonly goal: Goal
  /** The figure that is furthest from the good side; null where nothing was measured. */
  readonly worst: number | null
  readonly isMet: boolean
}

/** `own`: which of us is judged. */
export function judge(results: Results, own: TargetName = 'multiplexed'): Verdict[] {
  return goals.map((goal) => {
    const figures = goal.figures(results, own)
    if (figures.length === 0) return { goal, worst: null, isMet: false }
    const worst = goal.atLeast ? Math.min(...figures) : Math.max(...figures)
    return { goal, worst, isMet: goal.atLeast ? worst >= goal.bound : worst <= goal.bound }
  })
}

/** How far the rounds of a cell lie apart: the largest rate over the smallest. */
export function spread(cell: CellResult, target: TargetName): number {
  const rates = series(cell, target, 'perSecond')
  return rates.length === 0 ? NaN : Math.max(...rates) / Math.min(...rates)
}
