import type { FollowerObserver } from './failover/follower.ts'
import type { GateObserver, HoldReason } from './failover/gate.ts'
import type { Generation } from './dispatcher.ts'
import type { GroupProxy, ReportSymptom } from './group-proxy.ts'
import type { DataPlaneCounters } from './telemetry/counters.ts'
import { observe } from './telemetry/histogram.ts'
import type { Logger } from './telemetry/logger.ts'

const holdLabels: Record<HoldReason, keyof DataPlaneCounters['holds']> = {
  'link-lost': 'link-lost',
  readonly: 'not-master',
  loading: 'not-master',
  masterdown: 'not-master',
  unblocked: 'not-master',
  starting: 'start',
  failover: 'announced',
  switch: 'announced',
  operator: 'manual',
  stall: 'stall',
}

/** What a gate's moves are to logs, counters and the monitor. */
export function observeGate(
  group: GroupProxy,
  log: Logger,
  counters: DataPlaneCounters,
  report: ReportSymptom,
  changed: () => void,
): GateObserver {
  return {
    onMove(from, to, heldMs) {
      if (to.name === 'holding') counters.holds[holdLabels[to.reason]]++
      if (to.name === 'open') observe(counters.holdSeconds, heldMs / 1000)
      const reason = 'reason' in to ? to.reason : undefined
      log.info({ from, to: to.name, reason, heldMs: Math.round(heldMs) }, 'the gate moved')
      changed()
    },
    onSymptom(what, generation, detail) {
      log.warn({ what, detail, address: generation?.address }, 'the master shows a symptom')
      group.follower.symptom(what, generation)
      if (generation !== null) report(what, generation.address, generation.number)
    },
    onIdentityRefused(identity) {
      const facts = { user: identity.name }
      log.warn(facts, 'the master refuses this user now; its clients are closed')
      group.listener.closeIdentity(identity)
    },
    onReplay(by) {
      counters.replayed[by]++
    },
    onInDoubt() {
      counters.inDoubt++
    },
    onRefused(why) {
      counters.refused[why]++
    },
  }
}

/** What the follower does, for logs and counters; `study` is called for each new master. */
export function observeFollower(
  log: Logger,
  counters: DataPlaneCounters,
  study: (generation: Generation) => void,
): FollowerObserver {
  return {
    onSwitch(from, to) {
      if (from !== null) counters.switches++
      counters.generation = to.number
      log.info({ from: from?.address, to: to.address, generation: to.number }, 'now following')
      study(to)
    },
    onResume(generation) {
      log.info({ address: generation.address }, 'the same master goes on')
    },
    onAttemptFailed(address, cause) {
      log.debug({ address, cause }, 'the master cannot be used yet')
    },
  }
}
