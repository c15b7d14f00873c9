import type { TargetName } from './targets/target.ts'

/** What one cell measures; `clients` connections, each with `pipeline` commands under way. */
export interface Cell {
  readonly name: string
  /**
   * get, set, incr, evalsha: plain commands by redis-benchmark · mixed: one in ten requests is a
   * transaction · fan-out: one publisher, all other clients subscribe · lease: WATCH, then MULTI,
   * INCR, EXEC, which is what needs a link of its own.
   */
  readonly load: 'get' | 'set' | 'incr' | 'evalsha' | 'mixed' | 'fan-out' | 'lease'
  readonly clients: number
  readonly pipeline: number
  readonly valueBytes: number
}

const sizes: readonly (readonly [bytes: number, title: string])[] = [
  [1024, '1 KiB'],
  [16 * 1024, '16 KiB'],
  [1024 * 1024, '1 MiB'],
]

function cell(
  load: Cell['load'],
  clients: number,
  pipeline = 1,
  valueBytes = 3,
  size = `${valueBytes} B`,
): Cell {
  const name = `${load} c=${clients} P=${pipeline} ${size}`
  return { name, load, clients, pipeline, valueBytes }
}

function plain(load: 'get' | 'set'): Cell[] {
  return [
    ...[1, 50, 500, 5000].map((clients) => cell(load, clients)),
    cell(load, 50, 16),
    cell(load, 500, 16),
    cell(load, 50, 100),
    ...sizes.map(([bytes, title]) => cell(load, 50, 1, bytes, title)),
  ]
}

export const cells: readonly Cell[] = [
  ...plain('get'),
  ...plain('set'),
  cell('incr', 50),
  cell('incr', 500),
  cell('evalsha', 50),
  cell('evalsha', 500),
  cell('mixed', 50),
  cell('mixed', 500),
  cell('fan-out', 100, 16, 64),
  cell('lease', 1),
  cell('lease', 50),
]

/**
 * The echo knows one reply; the tunnel is there for one client, and for much to pass on.
 * Twemproxy has one link for everybody and knows no transactions and no
 * subscriptions.
 */
export function canServe(target: TargetName, { load, clients, valueBytes }: Cell): boolean {
  if (target === 'tunnel') return clients === 1 || valueBytes >= 16 * 1024
  if (target === 'floor') return load === 'get' && valueBytes === 3
  return target !== 'twemproxy' || !['mixed', 'fan-out', 'lease'].includes(load)
}
