import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { ReplicaInfo } from '../topology/view.ts'

/** What a data node says of its replication (INFO), or why it could not be asked. */
export type NodeState =
  | {
      readonly isAsked: true
      readonly role: string
      /** The name of its history: equal names, equal data up to the lower offset. */
      readonly replId: string
      /** Of a master the end of what it wrote, of a replica the end of what it has applied. */
      readonly offset: number
      readonly linkUp: boolean
      readonly runId: string
    }
  | { readonly isAsked: false; readonly reason: string }

/**
 * The replicas that a sentinel might promote, the likeliest first (sentinel.c: sentinelSelectSlave,
 * compareSlavesForPromotion). It leaves out some more of them, by the age of what it knows; to wait
 * for those as well only errs on the safe side.
 */
export function promotable(replicas: readonly ReplicaInfo[]): readonly ReplicaInfo[] {
  return replicas
    .filter(({ flags, priority }) => priority !== 0 && !/s_down|o_down|disconnected/.test(flags))
    .sort(
      (a, b) =>
        a.priority - b.priority ||
        b.offset - a.offset ||
        ((a.runId ?? '') < (b.runId ?? '') ? -1 : 1),
    )
}

/** Why this replica would lose something of the master's data; null: it would not. */
export function lacks(
  address: Address,
  replica: NodeState,
  master: { readonly replId: string; readonly offset: number },
): string | null {
  const name = addressKey(address)
  if (!replica.isAsked) return `${name} cannot be asked: ${replica.reason}`
  if (replica.role !== 'slave') return `${name} says that it is a ${replica.role}`
  if (!replica.linkUp) return `${name} has no link to its master`
  if (replica.replId !== master.replId) return `${name} replicates another history`
  const missing = master.offset - replica.offset
  return missing <= 0 ? null : `${name} is ${String(missing)} bytes behind`
}
