import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, start, untilAnswers, type Child } from './child.ts'
import type { Origin, Target } from './target.ts'

/** This checkout, built. */
const ownProgram = fileURLToPath(new URL('../../../cli.js', import.meta.url))

/** The monitor of the group, beside the load generator: it takes no part in what is measured. */
export function startMonitorProcess(
  origin: Origin,
  program = ownProgram,
): {
  readonly feed: string
  readonly child: Child
} {
  const feed = join(mkdtempSync(join(origin.folder, 'monitor-')), 'feed.sock')
  const child = start('load', process.execPath, [
    ...[program, 'monitor'],
    ...['--sentinels', `127.0.0.1:${origin.sentinelPort}`],
    ...['--master-name', origin.masterName],
    ...['--feed', feed],
    ...['--admin', 'off', '--log-level', 'warn'],
  ])
  return { feed, child }
}

/** Several workers at one port, on whatever cores there are. */
export async function startWorkers(workers: number, origin: Origin, feed: string): Promise<Target> {
  const port = await freePort()
  const child = start('anywhere', process.execPath, [
    ...[ownProgram, 'proxyd', '--workers', String(workers)],
    ...['--sentinels', `127.0.0.1:${origin.sentinelPort}`],
    ...['--master-name', origin.masterName],
    ...['--feed', feed],
    ...['--listen', `127.0.0.1:${port}`],
    ...['--admin', 'off', '--log-level', 'warn'],
  ])
  await untilAnswers(`switchmaster (${workers} workers)`, port, child)
  return { name: 'multiplexed', port, pid: child.pid, stop: () => child.stop() }
}

/** One data plane. `nodeArgs` go to Node itself, for profiles; `node` is which Node. */
export async function startOurselves(
  mode: 'multiplexed' | 'dedicated',
  origin: Origin,
  feed: string,
  nodeArgs: readonly string[] = [],
  program = ownProgram,
  node = process.execPath,
): Promise<Target> {
  const port = await freePort()
  const child = start('servers', node, [
    ...nodeArgs,
    ...[program, 'proxyd'],
    ...['--sentinels', `127.0.0.1:${origin.sentinelPort}`],
    ...['--master-name', origin.masterName],
    ...['--feed', feed],
    ...['--listen', `127.0.0.1:${port}`],
    ...['--pool-mode', mode],
    ...['--admin', 'off', '--log-level', 'warn'],
  ])
  await untilAnswers(`switchmaster (${mode})`, port, child)
  return { name: mode, port, pid: child.pid, stop: () => child.stop() }
}
