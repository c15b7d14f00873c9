import { start } from '../targets/child.ts'
import type { Cell } from '../cells.ts'
import type { LoadResult } from './sample.ts'

/** Keys are `key:000000000000` and on, as redis-benchmark names them; as many as fit in 64 MiB. */
export function keyCount({ valueBytes }: Cell): number {
  return Math.min(10_000, Math.floor((64 * 1024 * 1024) / Math.max(valueBytes, 1)))
}

/** Runs redis-benchmark at the load generator's place until `commands` were answered. */
export async function runRedisBenchmark(
  cell: Cell,
  port: number,
  commands: number,
  scriptSha: string,
): Promise<LoadResult> {
  const child = start(
    'load',
    'redis-benchmark',
    [
      ...['-h', '127.0.0.1', '-p', String(port)],
      ...['-c', String(cell.clients), '-n', String(commands), '-P', String(cell.pipeline)],
      ...['-d', String(cell.valueBytes), '-r', String(keyCount(cell)), '--precision', '3'],
      ...(cell.load === 'evalsha'
        ? ['EVALSHA', scriptSha, '1', 'key:__rand_int__', 'value']
        : ['-t', cell.load]),
    ],
    ['ignore', 'pipe', 'ignore'],
  )
  const { stdout } = child.process
  if (stdout === null) throw new Error('redis-benchmark has no output')
  let text = ''
  stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await new Promise((done) => child.process.once('close', done))
  return parseOutput(text, commands)
}

/** Reads the summary, and p99.9 out of the table of percentiles, whose steps are halvings. */
export function parseOutput(text: string, commands: number): LoadResult {
  const perSecond = /throughput summary: ([\d.]+)/.exec(text)?.[1]
  const latencies = /max\s+((?:[\d.]+\s+){5}[\d.]+)/.exec(text)?.[1]?.trim().split(/\s+/)
  const tail = /99\.902% <= ([\d.]+)/.exec(text)?.[1]
  if (perSecond === undefined || latencies === undefined) {
    throw new Error(`redis-benchmark gave no summary: ${text.slice(-300)}`)
  }
  const [, , p50, , p99, most] = latencies.map(Number)
  return {
    commands,
    perSecond: Number(perSecond),
    p50Ms: p50 ?? NaN,
    p99Ms: p99 ?? NaN,
    p999Ms: Number(tail ?? most),
  }
}
