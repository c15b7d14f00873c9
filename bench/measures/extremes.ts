import { setTimeout as delay } from 'node:timers/promises'
import { availableParallelism } from 'node:os'
import { cells } from '../cells.ts'
import type { Spec } from '../generator/spec.ts'
import { runGenerator } from '../load/generator.ts'
import { forgetPeak, mostFiles, peakBytes, residentBytes } from '../process-facts.ts'
import { prepare, runCell } from '../load/run-cell.ts'
import { median } from '../stats.ts'
import { tell } from '../targets/origin.ts'
import { startMonitorProcess, startWorkers } from '../targets/ourselves.ts'
import { move } from '../targets/placement.ts'
import type { Origin, Target, TargetName } from '../targets/target.ts'

/** Figures of one extreme at one target, by name; the unit is the name's last word. */
export interface ExtremeResult {
  readonly extreme: string
  readonly target: TargetName
  readonly figures: Readonly<Record<string, number>>
}

/** A measure that has its target to itself, freshly started: what it holds is looked at. */
export interface Extreme {
  readonly name: string
  measure(target: Target, origin: Origin): Promise<ExtremeResult['figures']>
}

const mebibyte = 1024 * 1024
const settleMs = 1_000

/** Files beside those of clients: listeners, links, logs, libraries. */
const spareFiles = 300

/** How many clients can be had: each is one file here, and up to two in a proxy. */
function mostClients(target: Target, wanted: number): number {
  const perClient = target.name === 'haproxy' || target.name === 'dedicated' ? 2 : 1
  const most = Math.floor((mostFiles() - spareFiles) / perClient)
  const configured = target.name === 'haproxy' ? 8_900 : wanted
  return Math.min(wanted, most, configured)
}

async function steps(
  spec: Spec,
  onStep: (name: string, ms: number) => void | Promise<void>,
): Promise<void> {
  await runGenerator(spec, async (word) => {
    if (word.says === 'step') await onStep(word.step, word.ms)
  })
}

const idle: Extreme = {
  name: 'idle: 10,000 clients',
  async measure({ pid, port, ...target }, origin) {
    const held = pid ?? origin.pid
    const clients = mostClients({ pid, port, ...target }, 10_000)
    // A few come and go first, so that code and tables that are made once are not counted.
    await steps({ what: 'connect', port, clients: 500 }, () => undefined)
    await delay(settleMs)
    const before = residentBytes(held)
    const figures: Record<string, number> = { clients }
    await steps({ what: 'connect', port, clients }, async (name, ms) => {
      if (name === 'accepted') figures['accept ms'] = ms
      await delay(settleMs)
      const bytes = (residentBytes(held) - before) / clients / 1024
      figures[name === 'accepted' ? 'connected KiB' : 'each KiB'] = bytes
    })
    return figures
  },
}

const stalled: Extreme = {
  name: 'stalled: one client asks for 1 MiB 2,000 times and reads nothing',
  async measure({ pid, port }, origin) {
    await tell(origin.port, 'SET', 'large', 'x'.repeat(mebibyte))
    const held = pid ?? origin.pid
    await steps({ what: 'connect', port, clients: 1 }, () => undefined)
    const before = residentBytes(held)
    const redisBefore = residentBytes(origin.pid)
    forgetPeak(held)
    const figures: Record<string, number> = {}
    const requests = 2_000
    await steps({ what: 'stalled', port, key: 'large', requests }, () => {
      figures['growth MiB'] = (peakBytes(held) - before) / mebibyte
      figures['redis MiB'] = (residentBytes(origin.pid) - redisBefore) / mebibyte
    })
    return figures
  },
}

const large: Extreme = {
  name: 'large: a value of 64 MiB in and out',
  async measure({ pid, port }, origin) {
    const held = pid ?? origin.pid
    const figures: Record<string, number> = {}
    let before = 0
    const spec: Spec = { what: 'large', port, bytes: 64 * mebibyte, key: 'large' }
    await steps(spec, (name, ms) => {
      if (name !== 'ready') {
        figures[`${name} ms`] = ms
        figures[`${name} MiB`] = (peakBytes(held) - before) / mebibyte
      }
      before = residentBytes(held)
      forgetPeak(held)
    })
    await tell(origin.port, 'DEL', 'large')
    return figures
  },
}

const rounds = 3

/** The target is not used: several workers are started in its place. */
const workers: Extreme = {
  name: 'workers: GET, c=500 P=1, workers and Redis on all cores',
  async measure({ name }, origin) {
    if (name !== 'multiplexed') return {}
    const cell = cells.find((each) => each.name === 'get c=500 P=1 3 B')
    if (cell === undefined) throw new Error('there is no such cell any more')
    const monitor = startMonitorProcess(origin)
    const rates = new Map<number, number[]>()
    try {
      move(origin.pid, 'anywhere')
      const sha = await prepare(cell, origin)
      for (let round = 0; round < rounds; round++) {
        for (let count = 1; count <= Math.max(2, availableParallelism()); count++) {
          const target = await startWorkers(count, origin, monitor.feed)
          const { perSecond } = await runCell(cell, target, origin, sha, 1.5)
          rates.set(count, [...(rates.get(count) ?? []), perSecond])
          await target.stop()
        }
      }
    } finally {
      move(origin.pid, 'servers')
      await monitor.child.stop()
    }
    return Object.fromEntries(
      [...rates].map(([count, all]) => [`with ${count} /s`, median(all)] as const),
    )
  },
}

export const extremes: readonly Extreme[] = [idle, stalled, large, workers]
