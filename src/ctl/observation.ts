import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { addressFrom, count, fieldsOf, infoFields } from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import type { PollEvidence, RoleEvidence } from '../topology/evidence.ts'
import { initialState, voteRules } from '../topology/state.ts'
import type { View } from '../topology/view.ts'
import { vote } from '../topology/vote.ts'

/** What the sentinels of a group should all say alike. */
export interface Settings {
  readonly quorum: number
  readonly downAfterMs: number
  readonly failoverTimeoutMs: number
  readonly parallelSyncs: number
}

/** A replica or another sentinel, as one sentinel has it. */
export interface Entry {
  readonly address: Address
  readonly flags: string
  /** Since when it has been down in this sentinel's eyes, in milliseconds; 0: it is not. */
  readonly downMs: number
}

/** How one sentinel answered. */
export interface SentinelSeen {
  readonly address: Address
  /** Why it did not; null: it did. */
  readonly trouble: string | null
  readonly poll: PollEvidence | null
  /** null: it does not know the group. */
  readonly settings: Settings | null
  readonly replicas: readonly Entry[]
  readonly peers: readonly Entry[]
}

/** How one data node answered. */
export interface NodeSeen {
  readonly address: Address
  readonly trouble: string | null
  readonly role: RoleEvidence | null
  /** Keys in all databases. */
  readonly keys: number
  readonly priority: number
}

/** One look at a whole group. */
export interface Observation {
  readonly group: string
  readonly sentinels: readonly SentinelSeen[]
  readonly nodes: readonly NodeSeen[]
}

export function settingsFrom(reply: unknown): Settings | null {
  const fields = fieldsOf(reply)
  const quorum = count(fields.get('quorum'))
  if (quorum === null) return null
  return {
    quorum,
    downAfterMs: count(fields.get('down-after-milliseconds')) ?? 0,
    failoverTimeoutMs: count(fields.get('failover-timeout')) ?? 0,
    parallelSyncs: count(fields.get('parallel-syncs')) ?? 1,
  }
}

export function entriesFrom(reply: unknown, map: AddressMap): Entry[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((item) => {
    const fields = fieldsOf(item)
    const address = addressFrom(fields.get('ip') ?? '', fields.get('port') ?? '', map)
    const downMs = count(fields.get('s-down-time')) ?? 0
    return address === null ? [] : [{ address, flags: fields.get('flags') ?? '', downMs }]
  })
}

/** From INFO keyspace: `db0:keys=12,expires=0,avg_ttl=0`. */
export function keysIn(info: unknown): number {
  let sum = 0
  for (const [name, text] of infoFields(info)) {
    if (/^db\d+$/.test(name)) sum += Number(/keys=(\d+)/.exec(text)?.[1] ?? 0)
  }
  return sum
}

export function isDown({ flags }: Entry): boolean {
  return /s_down|o_down|disconnected/.test(flags)
}

export function nodeAt(seen: Observation, address: Address | null): NodeSeen | null {
  return seen.nodes.find((node) => sameAddress(node.address, address)) ?? null
}

export function isFailingOver(seen: Observation): boolean {
  return seen.sentinels.some(({ poll }) => poll?.master?.flags.includes('failover_in_progress'))
}

/** What the monitor would believe, had it seen exactly this: the same vote, on one look. */
export function judge(seen: Observation): View {
  const polls = seen.sentinels.flatMap(({ poll }) => poll ?? [])
  const roles = seen.nodes.flatMap(({ role }) => role ?? [])
  const stamps = [...polls, ...roles].map(({ at }) => at)
  const at = Math.max(0, ...stamps)
  const wall = Math.max(0, ...[...polls, ...roles].map((each) => each.wall))
  let state = initialState(voteRules(seen.group))
  const sentinels = seen.sentinels.map(({ address }) => address)
  const evidence = [{ kind: 'configured' as const, at: 0, wall, sentinels }, ...polls, ...roles]
  for (const each of evidence) state = vote(state, each).state
  // Nobody else will be heard: the grace for the first choice is over.
  return vote(state, { kind: 'tick', at: at + state.rules.bootstrapGraceMs, wall }).view
}

/** Every replica that any sentinel lists, once. */
export function listedReplicas(seen: Observation): readonly Address[] {
  const found = new Map<string, Address>()
  for (const { replicas } of seen.sentinels) {
    for (const { address } of replicas) found.set(addressKey(address), address)
  }
  return [...found.values()]
}
