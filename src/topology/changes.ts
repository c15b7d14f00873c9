import { addressKey, sameAddress } from '../base/address.ts'
import { nameOf } from './view.ts'
import type { View } from './view.ts'

export type ChangeKind =
  | 'master'
  | 'run-id'
  | 'epoch'
  | 'epoch-restart'
  | 'replica-added'
  | 'replica-removed'
  | 'replica-changed'
  | 'sentinel-added'
  | 'sentinel-removed'
  | 'sentinel-state'
  | 'settings'

/** One difference between two views, with a sentence for the log. */
export interface Change {
  readonly kind: ChangeKind
  readonly text: string
}

interface Named {
  readonly address: { readonly host: string; readonly port: number }
}

/** The differences from `before` to `after`, the most important first; empty when there are none. */
export function changesBetween(before: View, after: View): readonly Change[] {
  const changes: Change[] = []
  if (!sameAddress(before.master, after.master)) {
    changes.push({
      kind: 'master',
      text: `master ${nameOf(before.master)} → ${nameOf(after.master)}`,
    })
  } else if (before.runId !== after.runId) {
    changes.push({
      kind: 'run-id',
      text: `master run_id ${before.runId ?? 'unknown'} → ${after.runId ?? 'unknown'}`,
    })
  }
  if (before.configEpoch !== after.configEpoch) {
    changes.push({
      kind: after.configEpoch < before.configEpoch ? 'epoch-restart' : 'epoch',
      text: `config-epoch ${String(before.configEpoch)} → ${String(after.configEpoch)}`,
    })
  }
  diff(changes, 'replica', before.replicas, after.replicas, (was, is) =>
    was.flags !== is.flags || was.linkUp !== is.linkUp || was.priority !== is.priority
      ? { kind: 'replica-changed', text: `replica ${addressKey(is.address)} is now ${is.flags}` }
      : null,
  )
  diff(changes, 'sentinel', before.sentinels, after.sentinels, (was, is) =>
    was.state !== is.state
      ? {
          kind: 'sentinel-state',
          text: `sentinel ${addressKey(is.address)} ${was.state} → ${is.state}`,
        }
      : null,
  )
  if (
    before.downAfterMs !== null &&
    (before.downAfterMs !== after.downAfterMs ||
      before.failoverTimeoutMs !== after.failoverTimeoutMs)
  ) {
    changes.push({ kind: 'settings', text: 'down-after or failover-timeout changed' })
  }
  return changes
}

function diff<T extends Named>(
  changes: Change[],
  what: 'replica' | 'sentinel',
  before: readonly T[],
  after: readonly T[],
  compare: (was: T, is: T) => Change | null,
): void {
  const old = new Map(before.map((item) => [addressKey(item.address), item]))
  for (const item of after) {
    const key = addressKey(item.address)
    const was = old.get(key)
    old.delete(key)
    const change =
      was === undefined
        ? { kind: `${what}-added` as const, text: `${what} ${key} appeared` }
        : compare(was, item)
    if (change !== null) changes.push(change)
  }
  for (const key of old.keys()) {
    changes.push({ kind: `${what}-removed`, text: `${what} ${key} is gone` })
  }
}
