/** What the live view shows at one moment. */
export interface Frame {
  readonly title: string
  readonly seconds: number
  readonly ofSeconds: number
  readonly master: string
  readonly gate: string
  readonly held: number
  readonly perSecond: number
  readonly acked: number
  readonly errors: number
  readonly inDoubt: number
  readonly dropped: number
  readonly clients: number
  readonly longestStallMs: number
  /** What has happened so far, oldest first. */
  readonly events: readonly string[]
}

const bars = '▁▂▃▄▅▆▇█'
const historyLength = 48
const linesEvery = 4

/** A terminal is drawn anew four times a second; anything else gets a line a second. */
export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #history: number[] = []
  #drawn = 0
  #told = 0
  #count = 0

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  show(frame: Frame): void {
    this.#history.push(frame.perSecond)
    if (this.#history.length > historyLength) this.#history.shift()
    if (this.#out.isTTY) this.#draw(frame)
    else this.#tell(frame)
  }

  #draw(frame: Frame): void {
    const lines = linesOf(frame, sparkline(this.#history))
    const up = this.#drawn === 0 ? '' : `\x1b[${String(this.#drawn)}A`
    const width = Math.max(20, this.#out.columns)
    const text = lines.map((line) => `\x1b[2K${line.slice(0, width - 1)}\n`).join('')
    this.#out.write(`${up}${text}`)
    this.#drawn = lines.length
  }

  #tell(frame: Frame): void {
    for (const event of frame.events.slice(this.#told)) this.#out.write(`${event}\n`)
    this.#told = frame.events.length
    if (this.#count++ % linesEvery !== 0) return
    const { seconds, perSecond, gate, master, errors, inDoubt, dropped } = frame
    const counts = `errors ${count(errors)}, in doubt ${count(inDoubt)}, dropped ${count(dropped)}`
    const rate = `${count(perSecond)} commands/s`
    this.#out.write(`${seconds.toFixed(1)} s: ${rate}, gate ${gate}, master ${master}, ${counts}\n`)
  }
}

export function sparkline(history: readonly number[]): string {
  const most = Math.max(1, ...history)
  return history
    .map((value) => bars[Math.min(bars.length - 1, Math.floor((value / most) * bars.length))] ?? '')
    .join('')
}

/** The lines of one picture. Always as many as before, or more. */
export function linesOf(frame: Frame, line: string): readonly string[] {
  const { seconds, ofSeconds, title, clients, dropped, held } = frame
  const loss = dropped === 0 ? 'none dropped' : `${count(dropped)} DROPPED`
  const waiting = held === 0 ? '' : `, ${count(held)} commands wait`
  return [
    `switchmaster demo: ${title}, ${seconds.toFixed(1)} of ${String(ofSeconds)} s`,
    '',
    `  ${line}  ${count(frame.perSecond)} commands/s`,
    '',
    `  master    ${frame.master}`,
    `  gate      ${frame.gate}${waiting}`,
    `  clients   ${count(clients)}, ${loss}`,
    `  commands  ${count(frame.acked)} acknowledged, ${count(frame.errors)} errors, ${count(frame.inDoubt)} in doubt`,
    `  stall     ${count(Math.round(frame.longestStallMs))} ms at the longest`,
    '',
    ...frame.events.map((event) => `  ${event}`),
    '',
  ]
}

/** 12345 → 12,345 */
export function count(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}
