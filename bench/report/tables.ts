import { judge, type Verdict } from '../goals.ts'
import { middle, ratio, togetherUs, type CellResult, type Results } from '../results.ts'
import { median } from '../stats.ts'
import { targetTitles, type TargetName } from '../targets/target.ts'

/** A Markdown table; the first column is text, the others are numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function figure(value: number, digits = 2): string {
  return Number.isNaN(value) ? '–' : value.toFixed(digits)
}

/** Three figures that mean something, thousands apart. */
function rate(value: number): string {
  return Number.isNaN(value) ? '–' : Math.round(value).toLocaleString('en-US')
}

function measured({ cells, targets }: Results): TargetName[] {
  return targets.filter((target) => cells.some(({ samples }) => samples[target] !== undefined))
}

/** Commands a second directly, and for each target the ratio to that. */
export function throughputTable(results: Results): string {
  const others = measured(results).filter((target) => target !== 'direct')
  const rows = results.cells.map((each) => [
    each.cell.name,
    rate(middle(each, 'direct', 'perSecond')),
    ...others.map((target) => figure(ratio(each, target, 'direct'))),
  ])
  const head = ['', 'direct, /s', ...others.map((target) => `${targetTitles[target]} ×`)]
  return table(head, rows)
}

/** Microseconds of processor time per command: proxy + Redis. */
export function processorTable(results: Results): string {
  const targets = measured(results)
  const text = (each: CellResult, target: TargetName): string => {
    const sum = median(togetherUs(each, target))
    if (Number.isNaN(sum)) return '–'
    if (target === 'direct') return figure(sum)
    const [proxy, redis] = [middle(each, target, 'proxyUs'), middle(each, target, 'redisUs')]
    return `${figure(proxy)} + ${figure(redis)} = **${figure(sum)}**`
  }
  const rows = results.cells.map((each) => [
    each.cell.name,
    ...targets.map((target) => text(each, target)),
  ])
  return table(['', ...targets.map((target) => targetTitles[target])], rows)
}

/** p50 / p99 / p99.9 in milliseconds. */
export function latencyTable(results: Results): string {
  const targets = measured(results)
  const text = (each: CellResult, target: TargetName): string =>
    (['p50Ms', 'p99Ms', 'p999Ms'] as const)
      .map((field) => figure(middle(each, target, field)))
      .join(' / ')
  const rows = results.cells.map((each) => [
    each.cell.name,
    ...targets.map((target) => (each.samples[target] === undefined ? '–' : text(each, target))),
  ])
  return table(['', ...targets.map((target) => targetTitles[target])], rows)
}

/** One table for each extreme, a line for each target. */
export function extremeTables({ extremes }: Results): string {
  const names = [...new Set(extremes.map((each) => each.extreme))]
  return names
    .map((name) => {
      const results = extremes.filter((each) => each.extreme === name)
      const columns = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))]
      const targets = [...new Set(results.map(({ target }) => target))]
      const rows = targets.map((target) => {
        const own = results.filter((each) => each.target === target)
        const of = (column: string): string =>
          figure(median(own.flatMap(({ figures }) => figures[column] ?? [])), 1)
        return [targetTitles[target], ...columns.map(of)]
      })
      return `**${name}**\n\n${table(['', ...columns], rows)}`
    })
    .join('\n\n')
}

/** Every goal, the worst of its cells, and whether it is met. */
export function goalTable(results: Results): string {
  const hasOther = results.targets.includes('otherNode')
  const others = hasOther ? judge(results, 'otherNode') : []
  const rows = judge(results).map((verdict, index) => [
    verdict.goal.text,
    `${verdict.goal.atLeast ? '≥' : '≤'} ${verdict.goal.bound} ${verdict.goal.unit}`,
    ...verdictCells(verdict),
    ...others.slice(index, index + 1).flatMap(verdictCells),
  ])
  const head = ['', 'goal', 'measured', 'met']
  return table(hasOther ? [...head, 'on the other Node', 'met'] : head, rows)
}

function verdictCells({ goal, worst, isMet }: Verdict): [measured: string, met: string] {
  if (worst === null) return ['–', 'not measured']
  return [`${figure(worst)} ${goal.unit}`, isMet ? 'yes' : '**no**']
}
