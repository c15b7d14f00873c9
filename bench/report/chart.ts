import { middle, ratio, type CellResult, type Results } from '../results.ts'
import { targetTitles, type TargetName } from '../targets/target.ts'

/** Two rows of bars: throughput over direct, and processor time per command. */

const colours: Readonly<Record<TargetName, string>> = {
  direct: '#8a8f98',
  haproxy: '#4c78a8',
  twemproxy: '#f2a541',
  multiplexed: '#c8342b',
  dedicated: '#e79a94',
  otherNode: '#8f2a5b',
  floor: '#c9c9c9',
  tunnel: '#a9a9a9',
}
const shown = [
  ...['get c=1 P=1 3 B', 'get c=50 P=1 3 B', 'get c=500 P=1 3 B', 'get c=5000 P=1 3 B'],
  ...['set c=50 P=1 3 B', 'get c=50 P=16 3 B', 'get c=50 P=1 16 KiB', 'get c=50 P=1 1 MiB'],
]
const width = 960
const rowHeight = 250
const left = 60
const plotHeight = 160
const titleHeight = 40

interface Bar {
  readonly target: TargetName
  /** Parts from the bottom up; the second is drawn paler. */
  readonly parts: readonly number[]
}

interface Row {
  readonly title: string
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[]
  /** A line across at this height. */
  readonly mark: number | null
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}

function text(x: number, y: number, what: string, anchor = 'middle', size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escape(what)}</text>`
}

/** The next of 1, 2, 5 × 10ⁿ above a quarter of the value: the step of the scale. */
function stepOf(most: number): number {
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
}

function drawRow(row: Row, top: number): string[] {
  const sums = row.groups.flatMap(({ bars }) =>
    bars.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)),
  )
  const most = Math.max(...sums, row.mark ?? 0) * 1.08 || 1 // nothing was measured
  const bottom = top + titleHeight + plotHeight
  const y = (value: number): number => bottom - (value / most) * plotHeight
  const lines = [text(left, top + 22, row.title, 'start', 15)]
  const step = stepOf(most)
  for (let value = 0; value <= most; value += step) {
    const at = y(value).toFixed(1)
    lines.push(`<path d="M${left} ${at}H${width - 20}" stroke="#ddd"/>`)
    lines.push(text(left - 8, y(value) + 4, String(Number(value.toPrecision(3))), 'end', 11))
  }
  const groupWidth = (width - left - 20) / Math.max(1, row.groups.length)
  for (const [index, { name, bars }] of row.groups.entries()) {
    const from = left + index * groupWidth
    const barWidth = (groupWidth * 0.8) / Math.max(1, bars.length)
    for (const [place, bar] of bars.entries()) {
      lines.push(...drawBar(bar, from + groupWidth * 0.1 + place * barWidth, barWidth - 2, y))
    }
    lines.push(text(from + groupWidth / 2, bottom + 16, name, 'middle', 11))
  }
  if (row.mark !== null) {
    const at = y(row.mark).toFixed(1)
    lines.push(`<path d="M${left} ${at}H${width - 20}" stroke="#333" stroke-dasharray="5 4"/>`)
  }
  return lines
}

function drawBar(bar: Bar, x: number, wide: number, y: (value: number) => number): string[] {
  let from = 0
  return bar.parts.map((part, index) => {
    const [high, low] = [y(from + part), y(from)]
    from += part
    const colour = colours[bar.target]
    const opacity = index === 0 ? 1 : 0.45
    return `<rect x="${x.toFixed(1)}" y="${high.toFixed(1)}" width="${wide.toFixed(1)}" height="${(low - high).toFixed(1)}" fill="${colour}" fill-opacity="${opacity}"/>`
  })
}

function rowOf(
  title: string,
  cells: readonly CellResult[],
  targets: readonly TargetName[],
  parts: (cell: CellResult, target: TargetName) => number[],
  mark: number | null,
): Row {
  const groups = cells.map((cell) => ({
    name: cell.cell.name,
    bars: targets
      .map((target) => ({ target, parts: parts(cell, target) }))
      .filter((bar) => bar.parts.every((part) => Number.isFinite(part))),
  }))
  return { title, groups, mark }
}

function legend(targets: readonly TargetName[]): string[] {
  return targets.flatMap((target, index) => {
    const x = left + index * 175
    return [
      `<rect x="${x}" y="14" width="14" height="14" fill="${colours[target]}"/>`,
      text(x + 20, 26, targetTitles[target], 'start', 13),
    ]
  })
}

/** The chart of the page, as SVG. */
export function chart(results: Results): string {
  const cells = results.cells.filter(({ cell }) => shown.includes(cell.name))
  const targets = results.targets.filter((target) =>
    cells.some(({ samples }) => samples[target] !== undefined),
  )
  const small = cells.filter(({ cell }) => cell.valueBytes <= 1024)
  const proxies = targets.filter((target) => target !== 'direct')
  const rows = [
    rowOf('Throughput, direct = 1', cells, proxies, (c, t) => [ratio(c, t, 'direct')], 1),
    rowOf(
      'Processor time per command in µs: proxy, and paler Redis',
      small,
      targets,
      (c, t) => [middle(c, t, 'proxyUs'), middle(c, t, 'redisUs')],
      null,
    ),
  ]
  const height = 40 + rows.length * rowHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...legend(targets),
    ...rows.flatMap((row, index) => drawRow(row, 40 + index * rowHeight)),
    '</svg>',
    '',
  ].join('\n')
}
