import type { Settings } from './observation.ts'
import type { VerbOptions } from './options.ts'

/** The flags by which a verb is told what the sentinels should be set to. */
export const settingsFlags: readonly (readonly [string, string])[] = [
  ['--quorum <count>', 'sentinels that must agree that the master is down'],
  ['--down-after <duration>', 'silence after which a server counts as down'],
  ['--failover-timeout <duration>', "Sentinel's failover-timeout"],
  ['--parallel-syncs <count>', 'replicas that copy from a new master at once'],
]

export function settingsIn(options: VerbOptions): Partial<Settings> {
  const wanted = {
    quorum: options.count('quorum'),
    downAfterMs: options.duration('downAfter'),
    failoverTimeoutMs: options.duration('failoverTimeout'),
    parallelSyncs: options.count('parallelSyncs'),
  }
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null))
}
