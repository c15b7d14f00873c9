import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { pairOf } from './evidence.ts'
import type {
  EventEvidence,
  Evidence,
  HelloEvidence,
  PollEvidence,
  RoleEvidence,
  SentinelPeer,
} from './evidence.ts'
import { addSign, expireHold, liftAborted, liftSign, takeBack } from './holds.ts'
import type { HoldReason, ReleaseReason } from './holds.ts'
import { MAX_SENTINELS, isForbidden, renewed, withMembers, withSentinel } from './state.ts'
import type { SentinelRecord, VoteState } from './state.ts'

/** The state after one observation, before any choice is made on it. */
export interface Absorbed {
  readonly state: VoteState
  /** All sentinels should be asked at once. */
  readonly poll: boolean
  /** Nodes whose ROLE should be asked at once. */
  readonly probe: readonly Address[]
  readonly released: ReleaseReason
}

/** Events that start or go on with a failover: the sign each one is. */
const signs: Readonly<Record<string, HoldReason>> = {
  '+odown': 'odown',
  '+try-failover': 'try-failover',
  '+elected-leader': 'elected-leader',
  '+selected-slave': 'selected-slave',
  '+failover-state-send-slaveof-noone': 'promotion-sent',
  '-role-change': 'role-change',
}

/** Events that take a sign back, and which one. A failover that has begun goes on after them. */
const endings: Readonly<Record<string, HoldReason>> = {
  '-odown': 'odown',
  '+role-change': 'role-change',
}

/** Events after which the sentinels may name another master, or count anew. */
const pollAfter = new Set([
  ...Object.keys(signs),
  ...Object.keys(endings),
  '+sdown',
  '+promoted-slave',
  '+switch-master',
  '+config-update-from',
  '+failover-end',
  '+failover-end-for-timeout',
  '+failover-state-wait-promotion',
  '+reset-master',
  '+monitor',
  '-monitor',
  '+sentinel',
  '+slave',
  '+tilt',
  '-tilt',
])

export function absorb(before: VoteState, evidence: Evidence): Absorbed {
  const at = Math.max(before.at, evidence.at)
  const state = expireHold({ ...before, at, wall: evidence.wall })
  const quiet = { poll: false, probe: [], released: 'expired' } as const
  switch (evidence.kind) {
    case 'poll':
      return { ...quiet, state: absorbPoll(state, evidence), released: 'recovered' }
    case 'event':
      return absorbEvent(state, evidence)
    case 'hello':
      return { ...quiet, state: absorbHello(state, evidence) }
    case 'role':
      return { ...quiet, state: absorbRole(state, evidence), released: 'recovered' }
    case 'role-failed': {
      const nodes = new Map(state.nodes)
      nodes.set(addressKey(evidence.address), {
        state: 'failed',
        reason: evidence.reason,
        denied: evidence.denied,
        at: evidence.at,
      })
      return { ...quiet, state: { ...state, nodes } }
    }
    case 'lost': {
      const record = state.sentinels.get(addressKey(evidence.sentinel))
      if (record === undefined) return { ...quiet, state }
      const lostAt = record.lostAt ?? evidence.at
      return { ...quiet, state: withSentinel(state, { ...record, lostAt }) }
    }
    case 'configured':
      return { ...quiet, state: absorbConfigured(state, evidence.sentinels) }
    case 'seen':
      return {
        ...quiet,
        state: { ...state, seenEpoch: Math.max(state.seenEpoch, evidence.configEpoch) },
      }
    case 'tick':
      return { ...quiet, state: forget(state) }
  }
}

function blank(address: Address): SentinelRecord {
  return {
    address,
    runId: null,
    configured: false,
    tilt: false,
    lostAt: null,
    lastSeen: null,
    namedAt: 0,
    claim: null,
    replicas: [],
    facts: null,
    restarted: false,
    evidenceCount: 0,
  }
}

/** The record of a sentinel that gave a sign of life just now; null when no more may be known. */
function alive(state: VoteState, address: Address): SentinelRecord | null {
  const known = state.sentinels.get(addressKey(address))
  if (known === undefined && !mayAdd(state, address)) return null
  const record = known ?? blank(address)
  return {
    ...record,
    lastSeen: { at: state.at, wall: state.wall },
    evidenceCount: record.evidenceCount + 1,
  }
}

function mayAdd(state: VoteState, address: Address): boolean {
  return state.sentinels.size < MAX_SENTINELS && !isForbidden(state.rules, address)
}

function absorbPoll(before: VoteState, poll: PollEvidence): VoteState {
  const record = alive(before, poll.sentinel)
  if (record === null) return before
  const pair = pairOf(poll)
  const unknownGroup = poll.before === null && poll.after === null
  const wasEpoch = record.claim?.configEpoch ?? -1
  // Asked before a newer word (a hello) came: no regression, merely late.
  const late =
    pair !== null &&
    record.claim !== null &&
    poll.askedAt < record.claim.at &&
    pair.configEpoch < record.claim.configEpoch
  const claim = unknownGroup
    ? null
    : pair === null || late
      ? record.claim
      : renewed(record.claim, { ...pair, at: poll.at })
  let state = withSentinel(before, {
    ...record,
    lostAt: null,
    runId: poll.runId ?? record.runId,
    tilt: poll.tilt,
    claim,
    replicas: poll.replicas ?? record.replicas,
    facts: poll.master ?? record.facts,
    // A sentinel's own epochs only grow; smaller ones, or none, mean that it began anew.
    restarted:
      record.restarted || (!late && (unknownGroup || (pair?.configEpoch ?? wasEpoch) < wasEpoch)),
  })
  if (claim !== null && state.firstClaimAt === null) state = { ...state, firstClaimAt: state.at }
  // One that follows another master may be of another group that bears the same name.
  const { master } = state.view
  if (master === null || sameAddress(claim?.address ?? null, master)) {
    state = withMembers(
      state,
      (poll.replicas ?? []).map(({ address }) => address),
    )
  }
  for (const peer of poll.peers ?? []) state = named(state, peer)
  return poll.tilt ? state : flagSigns(state, poll)
}

/** A lost event is made good by the flags of the next poll: both the sign and its end. */
function flagSigns(state: VoteState, poll: PollEvidence): VoteState {
  const source = addressKey(poll.sentinel)
  const facts = poll.master
  if (facts === null || !sameAddress(facts.address, state.view.master)) return state
  const busy = facts.flags.includes('failover_in_progress')
  if (busy || facts.flags.includes('o_down')) {
    return addSign(state, source, busy ? 'failover-flag' : 'odown', true)
  }
  const sign = state.hold?.signs.get(source)
  if (sign?.reason === 'role-change' && isSlaveByItself(state)) return state
  return sign === undefined || sign.at < poll.askedAt ? liftSign(state, source) : state
}

function isSlaveByItself(state: VoteState): boolean {
  return state.hold?.signs.has('role') === true
}

/** A sentinel that another one names: watched from now on, and not forgotten for a while. */
function named(state: VoteState, peer: SentinelPeer): VoteState {
  const known = state.sentinels.get(addressKey(peer.address))
  if (known === undefined && !mayAdd(state, peer.address)) return state
  const record = known ?? blank(peer.address)
  return withSentinel(state, {
    ...record,
    runId: record.runId ?? peer.runId,
    namedAt: state.at,
  })
}

function absorbEvent(before: VoteState, evidence: EventEvidence): Absorbed {
  const record = alive(before, evidence.sentinel)
  const { event } = evidence
  if (record === null) return { state: before, poll: false, probe: [], released: 'expired' }
  const tilt = event.name === '+tilt' ? true : event.name === '-tilt' ? false : record.tilt
  const state = withSentinel(before, { ...record, tilt })
  const base: Absorbed = { state, poll: false, probe: [], released: 'recovered' }
  if (event.shape === 'other') return { ...base, poll: pollAfter.has(event.name) }
  if (event.group !== state.rules.group) return base
  if (event.shape === 'switch') return { ...base, poll: true, probe: probeable(state, event.to) }
  const poll = pollAfter.has(event.name) || event.name.startsWith('-failover-abort')
  if (event.name === '+monitor') {
    return { ...base, poll, state: withSentinel(state, { ...record, restarted: true }) }
  }
  if (event.name === '+promoted-slave') {
    return { ...base, poll, probe: probeable(state, event.address) }
  }
  return instanceSign({ ...base, poll }, evidence)
}

function probeable(state: VoteState, address: Address): readonly Address[] {
  return isForbidden(state.rules, address) ? [] : [address]
}

function instanceSign(base: Absorbed, evidence: EventEvidence): Absorbed {
  const { event } = evidence
  const { state } = base
  if (event.shape !== 'instance') return base
  const master = state.view.master
  const source = addressKey(evidence.sentinel)
  const reason = signs[event.name]
  // +selected-slave and +failover-state-send-slaveof-noone are about the chosen replica.
  const aboutChosen = reason === 'selected-slave' || reason === 'promotion-sent'
  const aboutMaster = event.type === 'master' && sameAddress(event.address, master)
  if (master === null || !(aboutMaster || (aboutChosen && event.type === 'slave'))) return base
  const probe = probeable(state, master)
  if (event.name.startsWith('-failover-abort')) {
    const lifted = isBehind(state, evidence.sentinel)
      ? liftSign(state, source)
      : liftAborted(state, source)
    return { ...base, state: lifted, released: 'aborted' }
  }
  if (reason === 'role-change' && !event.rest.endsWith('slave')) return base
  if (reason !== undefined && isBehind(state, evidence.sentinel)) return { ...base, probe }
  if (reason !== undefined) return { ...base, state: addSign(state, source, reason, false), probe }
  const ended = endings[event.name]
  return ended === undefined ? base : { ...base, state: takeBack(state, source, ended), probe }
}

/**
 * A sentinel that still names the past, or is in TILT: its event is a late one. What it knows by now
 * comes with the answer to the poll that the event causes, flags of a failover among it.
 */
function isBehind({ sentinels, view }: VoteState, sentinel: Address): boolean {
  const record = sentinels.get(addressKey(sentinel))
  if (record === undefined || record.claim === null) return false
  const { address, configEpoch } = record.claim
  if (record.tilt || configEpoch < view.configEpoch) return true
  // A provisional master is ahead of all sentinels: they still name the old one, and that is no lag.
  return !view.provisional && configEpoch === view.configEpoch && !sameAddress(address, view.master)
}

function absorbHello(before: VoteState, hello: HelloEvidence): VoteState {
  if (hello.group !== before.rules.group) return before
  const known = [...before.sentinels.values()].find((record) => record.runId === hello.runId)
  const record = alive(before, known?.address ?? hello.sentinel)
  if (record === null) return before
  const older = record.claim !== null && hello.configEpoch < record.claim.configEpoch
  const claim = older
    ? record.claim
    : renewed(record.claim, {
        address: hello.master,
        configEpoch: hello.configEpoch,
        at: hello.at,
      })
  const state = withSentinel(before, { ...record, runId: record.runId ?? hello.runId, claim })
  return state.firstClaimAt === null ? { ...state, firstClaimAt: state.at } : state
}

function absorbRole(before: VoteState, role: RoleEvidence): VoteState {
  const key = addressKey(role.address)
  const known = before.nodes.get(key)
  if (known !== undefined && known.at > role.at) return before
  const nodes = new Map(before.nodes)
  nodes.set(key, { state: 'known', role, at: role.at })
  const state = { ...before, nodes }
  if (!sameAddress(role.address, state.view.master)) return state
  if (role.role !== 'master') return addSign(state, 'role', 'not-master', true)
  if (role.handingOver) return addSign(state, 'role', 'handing-over', true)
  return liftSign(state, 'role')
}

function absorbConfigured(before: VoteState, addresses: readonly Address[]): VoteState {
  const keys = new Set(addresses.map(addressKey))
  const sentinels = new Map<string, SentinelRecord>()
  for (const [key, record] of before.sentinels) {
    // One that is not configured any more lives on as a learned one.
    const namedAt = record.configured && !keys.has(key) ? before.at : record.namedAt
    sentinels.set(key, { ...record, namedAt, configured: keys.has(key) })
  }
  for (const address of addresses) {
    const key = addressKey(address)
    if (sentinels.has(key) || sentinels.size >= MAX_SENTINELS) continue
    sentinels.set(key, { ...blank(address), configured: true, namedAt: before.at })
  }
  return { ...before, sentinels }
}

function forget(state: VoteState): VoteState {
  const limit = state.at - state.rules.forgetAfterMs
  const sentinels = new Map(
    [...state.sentinels].filter(
      ([, record]) =>
        record.configured || Math.max(record.namedAt, record.lastSeen?.at ?? -Infinity) >= limit,
    ),
  )
  return sentinels.size === state.sentinels.size ? state : { ...state, sentinels }
}
