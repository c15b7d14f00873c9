import { canServe, type Cell } from '../cells.ts'
import { cpuNs } from '../process-facts.ts'
import { tell } from '../targets/origin.ts'
import type { Origin, Target } from '../targets/target.ts'
import { runGenerator } from './generator.ts'
import { keyCount, runRedisBenchmark } from './redis-benchmark.ts'
import type { LoadResult, Sample } from './sample.ts'

/** Where the processor time stood, at one moment. */
interface Clocks {
  readonly proxy: number
  readonly redis: number
}

const script = "return redis.call('SET', KEYS[1], ARGV[1])"
const fill =
  "for i = 0, ARGV[1] - 1 do redis.call('SET', string.format('key:%012d', i), " +
  "string.rep('x', ARGV[2])) end"

/** redis-benchmark is told how many commands, not how long: so many as the last run suggests. */
const lastRates = new Map<string, number>()

/** Commands of the first run, which finds out the rate and warms the proxy up. */
function firstCommands(cell: Cell): number {
  return cell.valueBytes >= 1024 * 1024 ? 200 : Math.max(2000, cell.clients * cell.pipeline * 4)
}

/** Where clients are thousands a run is longer, so that connecting them is a small part of it. */
export function secondsOf({ clients }: Cell, seconds: number): number {
  return clients >= 1000 ? 4 * seconds : seconds
}

/** The data that the cell works on; done directly, before its runs. */
export async function prepare(cell: Cell, origin: Origin): Promise<string> {
  await tell(origin.port, 'FLUSHALL')
  if (cell.load === 'get') {
    await tell(origin.port, 'EVAL', fill, '0', String(keyCount(cell)), String(cell.valueBytes))
  }
  const sha = await tell(origin.port, 'SCRIPT', 'LOAD', script)
  if (typeof sha !== 'string') throw new Error('SCRIPT LOAD gave no name')
  return sha
}

/** One run of one cell. `seconds` is how long it shall take, about; with thousands of clients longer. */
export async function runCell(
  cell: Cell,
  target: Target,
  origin: Origin,
  sha: string,
  seconds: number,
): Promise<Sample> {
  if (!canServe(target.name, cell)) throw new Error(`${target.name} cannot serve ${cell.name}`)
  const clocks = (): Clocks => ({
    proxy: target.pid === null ? 0 : cpuNs(target.pid),
    redis: cpuNs(origin.pid),
  })
  if (cell.load === 'mixed' || cell.load === 'lease' || cell.load === 'fan-out') {
    return runOwn({ ...cell, load: cell.load }, target.port, seconds, clocks)
  }
  const key = `${cell.name} ${target.name}`
  if (!lastRates.has(key)) {
    const first = await runRedisBenchmark(cell, target.port, firstCommands(cell), sha)
    const longer = Math.max(firstCommands(cell), Math.round(first.perSecond * seconds * 0.2))
    lastRates.set(key, (await runRedisBenchmark(cell, target.port, longer, sha)).perSecond)
  }
  const rate = lastRates.get(key) ?? 0
  const commands = Math.max(firstCommands(cell), Math.round(rate * secondsOf(cell, seconds)))
  const before = clocks()
  const result = await runRedisBenchmark(cell, target.port, commands, sha)
  lastRates.set(key, result.perSecond)
  return sampleOf(result, before, clocks())
}

async function runOwn(
  cell: Cell & { readonly load: 'mixed' | 'lease' | 'fan-out' },
  port: number,
  seconds: number,
  clocks: () => Clocks,
): Promise<Sample> {
  let before = clocks()
  const samples: Sample[] = []
  const { load: what, clients, pipeline, valueBytes } = cell
  await runGenerator({ what, port, clients, pipeline, valueBytes, seconds }, (word) => {
    if (word.says === 'begin') before = clocks()
    if (word.says === 'end') samples.push(sampleOf(word, before, clocks()))
  })
  const [sample] = samples
  if (sample === undefined) throw new Error(`${cell.name}: the load generator said nothing`)
  return sample
}

function sampleOf(result: LoadResult, before: Clocks, after: Clocks): Sample {
  const perCommand = 1 / 1000 / Math.max(1, result.commands)
  return {
    perSecond: result.perSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    p999Ms: result.p999Ms,
    proxyUs: (after.proxy - before.proxy) * perCommand,
    redisUs: (after.redis - before.redis) * perCommand,
  }
}
