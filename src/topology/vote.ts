import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { absorb } from './absorb.ts'
import { collect, disqualified, isMajority } from './ballots.ts'
import { claimsAhead, decide } from './decide.ts'
import type { Adoption } from './decide.ts'
import type { Evidence } from './evidence.ts'
import { holdDifference, markTold } from './holds.ts'
import type { HoldSign, ReleaseSign } from './holds.ts'
import { freshRole, isForbidden, withMembers } from './state.ts'
import type { SentinelRecord, VoteState } from './state.ts'
import type { ReplicaInfo, SentinelInfo, SentinelState, View } from './view.ts'

export interface VoteOutcome {
  readonly state: VoteState
  readonly view: View
  /** The view is another one than before. */
  readonly changed: boolean
  /** The master is another one than before; ends every hold. */
  readonly switched: boolean
  readonly hold?: HoldSign
  readonly release?: ReleaseSign
  /** Troubles that began with this evidence. */
  readonly alarms: readonly string[]
  /** All sentinels should be asked at once. */
  readonly poll: boolean
  /** Nodes whose ROLE should be asked at once. */
  readonly probe: readonly Address[]
}

/**
 * The vote: one more observation, and what we believe then. Pure; all time comes in with the
 * evidence. Any order of observations is legal, twice the same one too.
 */
export function vote(before: VoteState, evidence: Evidence): VoteOutcome {
  const absorbed = absorb(before, evidence)
  const decision = decide(absorbed.state)
  let state = absorbed.state
  if (decision.adopt !== null) state = adopt(state, decision.adopt)
  const switched = !sameAddress(before.view.master, state.view.master)
  if (switched) state = { ...state, hold: null, spent: new Set() }
  state = heedReaders(state)
  state = settle(state)
  const alarms = decision.alarms.filter((text) => !before.alarms.has(text))
  const restarted = processChange(before.view, state.view)
  if (restarted !== null) alarms.push(restarted)
  state = { ...state, alarms: new Set(decision.alarms) }
  const told = holdDifference(before, state, switched, absorbed.released)
  if (told.hold !== undefined) state = markTold(state)
  const news = namesNews(before, evidence)
  return {
    state,
    view: state.view,
    changed: state.view !== before.view,
    switched,
    ...told,
    alarms,
    poll: absorbed.poll || news,
    probe: distinct([...absorbed.probe, ...decision.probe]),
  }
}

function processChange(before: View, after: View): string | null {
  if (!sameAddress(before.master, after.master) || before.runId === null) return null
  if (before.runId === after.runId || after.runId === null) return null
  return `another process answers on the master's address: run_id ${before.runId} → ${after.runId} (a restart, or another server)`
}

/** A hello above our epoch: the others are worth asking at once. */
function namesNews(before: VoteState, evidence: Evidence): boolean {
  return (
    evidence.kind === 'hello' &&
    evidence.group === before.rules.group &&
    evidence.configEpoch > before.view.configEpoch
  )
}

function distinct(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [addressKey(address), address])).values()]
}

function adopt(state: VoteState, adoption: Adoption): VoteState {
  const { address, configEpoch, provisional, why } = adoption
  const moved = !sameAddress(address, state.view.master)
  const epochRestart = state.view.epochRestart || adoption.epochRestart
  const decidedAt = moved ? state.wall : state.view.decidedAt
  const view = {
    ...state.view,
    master: address,
    configEpoch,
    provisional,
    why,
    epochRestart,
    decidedAt,
  }
  const followed = {
    ...state,
    view: bump(moved ? { ...view, runId: null } : view),
    sentinels: following(state),
  }
  return withMembers(followed, [address])
}

/** The restarts of epochs have been followed, or are of no account any more. */
function following(state: VoteState): ReadonlyMap<string, SentinelRecord> {
  return new Map(
    [...state.sentinels].map(([key, record]) => [key, { ...record, restarted: false }]),
  )
}

function bump(view: View): View {
  return { ...view, version: view.version + 1 }
}

/**
 * A reader of the feed may know a higher epoch from an earlier run of the monitor. It is told to go
 * back only after a majority of all sentinels has stood by the lower one for a while.
 */
function heedReaders(state: VoteState): VoteState {
  const { view, rules } = state
  if (state.seenEpoch <= view.configEpoch || view.master === null || view.epochRestart) {
    return state.readerAheadSince === null ? state : { ...state, readerAheadSince: null }
  }
  const ballots = collect(state)
  const agree = ballots.valid.filter((ballot) => sameAddress(ballot.address, view.master))
  if (claimsAhead(state, ballots) || !isMajority(agree.length, ballots.known)) {
    return { ...state, readerAheadSince: null }
  }
  const since = state.readerAheadSince ?? state.at
  if (state.at - since < rules.readerAheadMs) return { ...state, readerAheadSince: since }
  return { ...state, readerAheadSince: null, view: bump({ ...view, epochRestart: true }) }
}

/** Brings the parts of the view that are no choice up to date; the same object if none changed. */
function settle(state: VoteState): VoteState {
  const { view } = state
  const facts = informed(state).flatMap((record) => record.facts ?? [])
  const role = view.master === null ? null : freshRole(state, view.master)
  const next: View = {
    ...view,
    runId: role?.runId ?? view.runId,
    replicas: knownReplicas(state),
    sentinels: [...state.sentinels.values()].map((record) => sentinelInfo(state, record)),
    downAfterMs: longest(facts.map((each) => each.downAfterMs)) ?? view.downAfterMs,
    failoverTimeoutMs:
      longest(facts.map((each) => each.failoverTimeoutMs)) ?? view.failoverTimeoutMs,
  }
  return fingerprint(next) === fingerprint(view) ? state : { ...state, view: bump(next) }
}

/** The sentinels that are well and name our master. */
function informed(state: VoteState): SentinelRecord[] {
  const { master } = state.view
  return [...state.sentinels.values()].filter(
    (record) =>
      disqualified(state, record) === null && sameAddress(record.claim?.address ?? null, master),
  )
}

/** Where the sentinels differ, the most patient one counts; null: nobody has told. */
function longest(times: readonly (number | null)[]): number | null {
  const told = times.filter((time) => time !== null)
  return told.length === 0 ? null : Math.max(...told)
}

/** As the best informed sentinel has them: the first one that is well and names our master. */
function knownReplicas(state: VoteState): readonly ReplicaInfo[] {
  const { view } = state
  const records = [...state.sentinels.values()].filter((record) => record.replicas.length > 0)
  const well = records.filter((record) => disqualified(state, record) === null)
  const source = informed(state).find((record) => record.replicas.length > 0) ?? well[0]
  // Nobody can say anything now: what we know stays.
  const replicas = source === undefined ? view.replicas : source.replicas
  return replicas
    .filter(
      (replica) =>
        !sameAddress(replica.address, view.master) && !isForbidden(state.rules, replica.address),
    )
    .sort((a, b) => (addressKey(a.address) < addressKey(b.address) ? -1 : 1))
}

/** What must differ for a view to be a new one; the times and offsets of every poll do not count. */
function fingerprint(view: View): string {
  return JSON.stringify([
    view.runId,
    view.downAfterMs,
    view.failoverTimeoutMs,
    view.epochRestart,
    view.replicas.map((item) => [addressKey(item.address), item.runId, item.flags, item.linkUp]),
    view.sentinels.map((item) => [addressKey(item.address), item.runId, item.state]),
  ])
}

function sentinelInfo(state: VoteState, record: SentinelRecord): SentinelInfo {
  return {
    address: record.address,
    runId: record.runId,
    state: sentinelState(state, record),
    lastSeenMs: record.lastSeen?.wall ?? null,
  }
}

function sentinelState(state: VoteState, record: SentinelRecord): SentinelState {
  if (record.lostAt !== null) return 'unreachable'
  const reason = disqualified(state, record)
  if (reason === 'tilt') return 'tilt'
  if (reason === 'never heard' || reason === 'unreachable' || reason === 'silent') {
    return 'unreachable'
  }
  if (reason !== null || record.claim === null) return 'stale'
  return record.claim.configEpoch < state.view.configEpoch ? 'stale' : 'ok'
}
