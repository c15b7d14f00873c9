import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'

/**
 * ok: answers, and names the master that we follow (or we follow none yet).
 * stale: answers, but names an older config-epoch than the view's.
 * tilt: says of itself that its clock jumped; it is not listened to.
 * unreachable: our connection to it is gone, or it gave no sign of life for longer than the limit.
 */
export type SentinelState = 'ok' | 'stale' | 'tilt' | 'unreachable'

export interface SentinelInfo {
  readonly address: Address
  readonly runId: string | null
  readonly state: SentinelState
  /** Epoch milliseconds of its last sign of life when this view was decided; null: never. */
  readonly lastSeenMs: number | null
}

export interface ReplicaInfo {
  readonly address: Address
  readonly runId: string | null
  /** What the sentinels say of it, e.g. `slave`, `slave,s_down`. */
  readonly flags: string
  readonly linkUp: boolean
  readonly priority: number
  readonly offset: number
}

/** What we believe of a group. Immutable; each change is a new view with a higher version. */
export interface View {
  readonly group: string
  readonly master: Address | null
  /** run_id of the master's process as it said itself; null: not asked yet. */
  readonly runId: string | null
  readonly configEpoch: number
  /** The master was found by following a demoted one (FAILOVER TO), ahead of the sentinels. */
  readonly provisional: boolean
  /** In this run of the monitor the sentinels began to count config-epochs anew. */
  readonly epochRestart: boolean
  readonly replicas: readonly ReplicaInfo[]
  readonly sentinels: readonly SentinelInfo[]
  /** Grows with every view of one run of the monitor. */
  readonly version: number
  /** Epoch milliseconds of the last choice of a master. */
  readonly decidedAt: number
  /** A sentence for people: which sentinels said what, and which were ignored and why. */
  readonly why: string
  readonly downAfterMs: number | null
  readonly failoverTimeoutMs: number | null
}

export function emptyView(group: string): View {
  return {
    group,
    master: null,
    runId: null,
    configEpoch: 0,
    provisional: false,
    epochRestart: false,
    replicas: [],
    sentinels: [],
    version: 0,
    decidedAt: 0,
    why: 'no sentinel has been heard yet',
    downAfterMs: null,
    failoverTimeoutMs: null,
  }
}

export function nameOf(address: Address | null): string {
  return address === null ? 'none' : addressKey(address)
}
