import type { Address } from '../base/address.ts'
import type { ReplicaInfo } from './view.ts'

/** When something was observed: `at` on the monotonic clock, `wall` in epoch milliseconds. */
export interface Stamp {
  readonly at: number
  readonly wall: number
}

/** What `SENTINEL MASTER` says, as far as we use it. */
export interface MasterFacts {
  /** The sentinel's own record; the *old* master until the end of a failover it leads. */
  readonly address: Address
  readonly runId: string | null
  readonly configEpoch: number
  readonly flags: readonly string[]
  readonly downAfterMs: number | null
  readonly failoverTimeoutMs: number | null
}

export interface SentinelPeer {
  readonly address: Address
  readonly runId: string | null
}

/** The answers of one sentinel to one pipeline. A group it does not know has `master: null`. */
export interface PollEvidence extends Stamp {
  readonly kind: 'poll'
  readonly sentinel: Address
  /** When the questions were sent; an answer is never older than that. */
  readonly askedAt: number
  readonly runId: string | null
  readonly tilt: boolean
  /** get-master-addr-by-name before and after SENTINEL MASTER. */
  readonly before: Address | null
  readonly after: Address | null
  readonly master: MasterFacts | null
  /** null: not asked this time. */
  readonly replicas: readonly ReplicaInfo[] | null
  readonly peers: readonly SentinelPeer[] | null
}

/** One message of a sentinel's event channels, taken apart. */
export type SentinelEvent =
  | {
      readonly shape: 'instance'
      readonly name: string
      /** master, slave or sentinel */
      readonly type: string
      readonly address: Address
      readonly group: string
      readonly rest: string
    }
  | {
      readonly shape: 'switch'
      readonly name: '+switch-master'
      readonly group: string
      readonly from: Address
      readonly to: Address
    }
  | { readonly shape: 'other'; readonly name: string; readonly text: string }

export interface EventEvidence extends Stamp {
  readonly kind: 'event'
  readonly sentinel: Address
  readonly event: SentinelEvent
}

/** What a sentinel told everybody by way of a data node. */
export interface HelloEvidence extends Stamp {
  readonly kind: 'hello'
  readonly node: Address
  readonly sentinel: Address
  readonly runId: string
  readonly group: string
  readonly master: Address
  readonly configEpoch: number
}

/** What a data node said of itself. */
export interface RoleEvidence extends Stamp {
  readonly kind: 'role'
  readonly address: Address
  readonly role: 'master' | 'slave' | 'sentinel'
  readonly offset: number
  readonly runId: string | null
  /** A replica's master, and whether it is in step with it. */
  readonly master: Address | null
  readonly linkUp: boolean
  /** `master_failover_state` of INFO is something else than `no-failover`. */
  readonly handingOver: boolean
}

export interface RoleFailedEvidence extends Stamp {
  readonly kind: 'role-failed'
  readonly address: Address
  readonly reason: string
  /** It answers, but not to us: we were given no password, or no right to ask. */
  readonly denied: boolean
}

/** A connection to a sentinel is gone, or does not answer. */
export interface LostEvidence extends Stamp {
  readonly kind: 'lost'
  readonly sentinel: Address
  readonly reason: string
}

/** The sentinels that the operator named (again, in full). */
export interface ConfiguredEvidence extends Stamp {
  readonly kind: 'configured'
  readonly sentinels: readonly Address[]
}

/** A reader of the feed has followed this epoch before (under another run of the monitor). */
export interface SeenEvidence extends Stamp {
  readonly kind: 'seen'
  readonly configEpoch: number
}

/** Time passes. */
export interface TickEvidence extends Stamp {
  readonly kind: 'tick'
}

/** One observation with its source and time. All addresses are mapped already (see parse.ts). */
export type Evidence =
  | PollEvidence
  | EventEvidence
  | HelloEvidence
  | RoleEvidence
  | RoleFailedEvidence
  | LostEvidence
  | ConfiguredEvidence
  | SeenEvidence
  | TickEvidence

/** The pair of a consistent read, or null: the master changed between the two questions. */
export function pairOf(poll: PollEvidence): { address: Address; configEpoch: number } | null {
  if (poll.before === null || poll.after === null || poll.master === null) return null
  if (poll.before.host !== poll.after.host || poll.before.port !== poll.after.port) return null
  return { address: poll.after, configEpoch: poll.master.configEpoch }
}
