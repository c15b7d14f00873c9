import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { isForbidden } from './state.ts'
import type { SentinelRecord, VoteState } from './state.ts'

/** One vote: what one trustworthy sentinel says now. */
export interface Ballot {
  readonly sentinel: string
  readonly address: Address
  readonly configEpoch: number
  /** Since when it has said so. */
  readonly since: number
  readonly restarted: boolean
}

export interface Ballots {
  readonly valid: readonly Ballot[]
  /** Voters in all, reachable or not; a majority is counted of these. */
  readonly known: number
  /** Voters that give signs of life, whatever they know. */
  readonly answering: number
  /** `10.0.0.1:26379 (tilt)`: who was not listened to, and why. */
  readonly ignored: readonly string[]
  /** Addresses that were named and are never a master. */
  readonly forbidden: readonly string[]
}

/** An address with the votes for it at one epoch. */
export interface Party {
  readonly address: Address
  readonly votes: readonly Ballot[]
}

export function isMajority(votes: number, known: number): boolean {
  return votes * 2 > known
}

/** Why this sentinel cannot be heard now; null: it gives signs of life. */
function absence(state: VoteState, record: SentinelRecord): string | null {
  const seen = record.lastSeen
  if (seen === null) return 'never heard'
  // One that cannot be reached and says hello through a data node has a word all the same.
  if (record.lostAt !== null && (record.claim?.at ?? 0) <= record.lostAt) return 'unreachable'
  return state.at - seen.at > state.rules.unreachableAfterMs ? 'silent' : null
}

/** Why this sentinel has no vote now; null: it has one. */
export function disqualified(state: VoteState, record: SentinelRecord): string | null {
  const absent = absence(state, record)
  if (absent !== null) return absent
  if (record.tilt) return 'tilt'
  if (record.claim === null) return 'does not know the group'
  if (state.at - record.claim.at > state.rules.unreachableAfterMs) return 'no fresh answer'
  return null
}

/**
 * One vote for each sentinel, however many addresses it is known under. A sentinel that was never
 * heard and has no runid counts as a voter only until a list of runids was learned: until then it
 * may be one that is down, afterwards it is more likely another name of one that we know.
 */
export function collect(state: VoteState): Ballots {
  const voters = new Map<string, Ballot | null>()
  const answering = new Set<string>()
  const ignored: string[] = []
  const forbidden: string[] = []
  const learned = [...state.sentinels.values()].some((record) => !record.configured)
  for (const record of state.sentinels.values()) {
    const name = addressKey(record.address)
    if (record.runId === null && record.lastSeen === null && learned) continue
    const id = record.runId ?? name
    if (absence(state, record) === null) answering.add(id)
    const reason = disqualified(state, record)
    if (reason !== null || record.claim === null) {
      ignored.push(`${name} (${reason ?? 'silent'})`)
      if (!voters.has(id)) voters.set(id, null)
      continue
    }
    if (isForbidden(state.rules, record.claim.address)) {
      forbidden.push(addressKey(record.claim.address))
      ignored.push(`${name} (names ${addressKey(record.claim.address)}, which is refused)`)
      if (!voters.has(id)) voters.set(id, null)
      continue
    }
    voters.set(id, { sentinel: name, ...record.claim, restarted: record.restarted })
  }
  const valid = [...voters.values()].filter((ballot) => ballot !== null)
  return { valid, known: voters.size, answering: answering.size, ignored, forbidden }
}

/** The ballots by address, the most votes first. */
export function parties(ballots: readonly Ballot[]): readonly Party[] {
  const found: { address: Address; votes: Ballot[] }[] = []
  for (const ballot of ballots) {
    const party = found.find((item) => sameAddress(item.address, ballot.address))
    if (party === undefined) found.push({ address: ballot.address, votes: [ballot] })
    else party.votes.push(ballot)
  }
  return found.sort((a, b) => b.votes.length - a.votes.length)
}

export function names(votes: readonly Ballot[]): string {
  return votes.map((ballot) => ballot.sentinel).join(', ')
}
