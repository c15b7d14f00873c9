import { addressKey, isUnusable, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { MasterFacts, RoleEvidence } from './evidence.ts'
import type { Hold } from './holds.ts'
import { emptyView } from './view.ts'
import type { ReplicaInfo, View } from './view.ts'

/** What the operator decides about a vote. */
export interface VoteRules {
  readonly group: string
  /** Addresses that are never a master: our own listeners. Unusable ones are refused anyway. */
  readonly forbidden: ReadonlySet<string>
  /** Without a sign of life for so long a sentinel is not listened to. */
  readonly unreachableAfterMs: number
  /** So long a ROLE reply is believed. */
  readonly roleFreshMs: number
  /** So long the first choice waits for a majority of the sentinels to be heard. */
  readonly bootstrapGraceMs: number
  /** So long a majority must stand by an epoch below the one that a reader of the feed knows. */
  readonly readerAheadMs: number
  /** A learned sentinel that nobody names and nobody reaches for so long is forgotten. */
  readonly forgetAfterMs: number
  /** A hold ends by itself after so long without a new sign. */
  readonly holdTtlMs: number
}

/** Sentinels watched at most: more than any group has, less than would hurt. */
export const MAX_SENTINELS = 64

/** Members remembered at most. */
const MAX_MEMBERS = 256

export function voteRules(group: string, given: Partial<VoteRules> = {}): VoteRules {
  return {
    forbidden: new Set(),
    unreachableAfterMs: 5_000, // five polls, or two hellos
    roleFreshMs: 2_000, // two polls
    bootstrapGraceMs: 1_000,
    readerAheadMs: 10_000, // five hellos
    forgetAfterMs: 600_000,
    holdTtlMs: 15_000, // longer than an election (10 s)
    ...given,
    group,
  }
}

/** What a sentinel says is the master, with the epoch of that configuration. */
export interface Claim {
  readonly address: Address
  readonly configEpoch: number
  /** When it was last said, and since when the sentinel has said this and nothing else. */
  readonly at: number
  readonly since: number
}

/** The same claim again, or another one that takes its place. */
export function renewed(was: Claim | null, is: Omit<Claim, 'since'>): Claim {
  const same =
    was !== null && was.configEpoch === is.configEpoch && sameAddress(was.address, is.address)
  return { ...is, since: same ? was.since : is.at }
}

export interface SentinelRecord {
  readonly address: Address
  readonly runId: string | null
  readonly configured: boolean
  readonly tilt: boolean
  /** Since when our connection to it is gone; null: it answers. Its hellos may come all the same. */
  readonly lostAt: number | null
  readonly lastSeen: { readonly at: number; readonly wall: number } | null
  /** When another sentinel last named it. */
  readonly namedAt: number
  readonly claim: Claim | null
  /** The replicas that it knows of. */
  readonly replicas: readonly ReplicaInfo[]
  /** Its settings for the group, as it last told them; null: never. */
  readonly facts: MasterFacts | null
  /** It began to count epochs anew (SENTINEL REMOVE, MONITOR) and we have not followed yet. */
  readonly restarted: boolean
  /** Signs of life in all. */
  readonly evidenceCount: number
}

/** The last word of a data node about itself. */
export type NodeRecord =
  | { readonly state: 'known'; readonly role: RoleEvidence; readonly at: number }
  | {
      readonly state: 'failed'
      readonly reason: string
      readonly denied: boolean
      readonly at: number
    }

/** Everything that the vote remembers. Immutable. */
export interface VoteState {
  readonly rules: VoteRules
  /** The latest time that any evidence carried. */
  readonly at: number
  readonly wall: number
  readonly view: View
  readonly sentinels: ReadonlyMap<string, SentinelRecord>
  readonly nodes: ReadonlyMap<string, NodeRecord>
  /** Every address that was a master or a replica of this group in this run. */
  readonly members: ReadonlySet<string>
  readonly firstClaimAt: number | null
  /** The highest epoch that a reader of the feed has followed. */
  readonly seenEpoch: number
  /** Since when a majority has named a lower epoch than a reader of the feed knows. */
  readonly readerAheadSince: number | null
  readonly hold: Hold | null
  readonly holdCount: number
  /** Signs whose hold has run out: they start no second one while they merely go on. */
  readonly spent: ReadonlySet<string>
  /** Texts of the alarms that stand, so that each is raised once. */
  readonly alarms: ReadonlySet<string>
}

export function initialState(rules: VoteRules): VoteState {
  return {
    rules,
    at: 0,
    wall: 0,
    view: emptyView(rules.group),
    sentinels: new Map(),
    nodes: new Map(),
    members: new Set(),
    firstClaimAt: null,
    seenEpoch: 0,
    readerAheadSince: null,
    hold: null,
    holdCount: 0,
    spent: new Set(),
    alarms: new Set(),
  }
}

export function isForbidden(rules: VoteRules, address: Address): boolean {
  return isUnusable(address) || rules.forbidden.has(addressKey(address))
}

/** The role of a node if we heard it lately, else null. */
export function freshRole(state: VoteState, address: Address): RoleEvidence | null {
  const node = state.nodes.get(addressKey(address))
  if (node?.state !== 'known') return null
  return state.at - node.at <= state.rules.roleFreshMs ? node.role : null
}

export function isFreshMaster(state: VoteState, address: Address): boolean {
  return freshRole(state, address)?.role === 'master'
}

/** The node itself said that it is no master, or could not be asked, and nothing newer is known. */
export function isRefuted(state: VoteState, address: Address): boolean {
  const node = state.nodes.get(addressKey(address))
  if (node === undefined) return false
  return node.state === 'failed' ? !node.denied : node.role.role !== 'master'
}

/** The node answers, but will not say what it is. */
export function isMute(state: VoteState, address: Address): boolean {
  const node = state.nodes.get(addressKey(address))
  return node?.state === 'failed' && node.denied
}

export function withMembers(state: VoteState, addresses: readonly Address[]): VoteState {
  const fresh = addresses.map(addressKey).filter((key) => !state.members.has(key))
  if (fresh.length === 0 || state.members.size >= MAX_MEMBERS) return state
  return { ...state, members: new Set([...state.members, ...fresh]) }
}

export function withSentinel(state: VoteState, record: SentinelRecord): VoteState {
  const sentinels = new Map(state.sentinels)
  sentinels.set(addressKey(record.address), record)
  return { ...state, sentinels }
}
