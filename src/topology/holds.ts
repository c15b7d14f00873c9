import type { VoteState } from './state.ts'

/** Why commands should wait: the closed list of signs that the master is about to change. */
export type HoldReason =
  | 'odown'
  | 'try-failover'
  | 'elected-leader'
  | 'selected-slave'
  | 'promotion-sent'
  | 'role-change'
  | 'not-master'
  | 'handing-over'
  | 'failover-flag'

/** From the vaguest to the surest: the surest one is what a hold is called by. */
const rank: Readonly<Record<HoldReason, number>> = {
  odown: 0,
  'role-change': 1,
  'not-master': 2,
  'handing-over': 3,
  'failover-flag': 4,
  'try-failover': 5,
  'elected-leader': 6,
  'selected-slave': 7,
  'promotion-sent': 8,
}

export type ReleaseReason = 'aborted' | 'recovered' | 'expired'

/** A hold that stands. It ends by a switch, by a release, or at `expiresAt`. */
export interface Hold {
  readonly id: number
  readonly reason: HoldReason
  /** Monotonic milliseconds. */
  readonly since: number
  readonly expiresAt: number
  /** The end that readers were last told of. */
  readonly toldUntil: number
  /** The surest sign of each source: a sentinel's address, or `role` for the master's own word. */
  readonly signs: ReadonlyMap<string, Sign>
}

interface Sign {
  readonly reason: HoldReason
  /** When the source last gave a sign. */
  readonly at: number
}

/** Hold from now on, at most `ttlMs`; the same id again prolongs it. */
export interface HoldSign {
  readonly id: number
  readonly reason: HoldReason
  readonly ttlMs: number
}

export interface ReleaseSign {
  readonly id: number
  readonly reason: ReleaseReason
}

function spentKey(source: string, reason: HoldReason): string {
  return `${source} ${reason}`
}

/**
 * A sign that the master is about to change. A vaguer one than the source has given takes nothing
 * back. `lasting` signs (a flag seen in every poll) neither prolong a hold nor start another one
 * after it ran out; those of events do.
 */
export function addSign(
  state: VoteState,
  source: string,
  reason: HoldReason,
  lasting: boolean,
): VoteState {
  const key = spentKey(source, reason)
  const given = state.hold?.signs.get(source)
  if (lasting && state.spent.has(key)) return state
  if (lasting && given !== undefined && surer(given.reason, reason) === given.reason) return state
  const spent = new Set(state.spent)
  spent.delete(key)
  const signs = new Map(state.hold?.signs ?? [])
  signs.set(source, { reason: surer(given?.reason ?? reason, reason), at: state.at })
  const ends = state.at + state.rules.holdTtlMs
  if (state.hold === null) {
    const id = state.holdCount + 1
    const hold = { id, reason, since: state.at, expiresAt: ends, toldUntil: -Infinity, signs }
    return { ...state, hold, holdCount: id, spent }
  }
  const expiresAt = lasting && given !== undefined ? state.hold.expiresAt : ends
  const surest = surer(state.hold.reason, reason)
  return { ...state, hold: { ...state.hold, reason: surest, expiresAt, signs }, spent }
}

function surer(one: HoldReason, other: HoldReason): HoldReason {
  return rank[other] > rank[one] ? other : one
}

/** The state of one source is known to be well: it has no sign. With the last one the hold ends. */
export function liftSign(state: VoteState, source: string): VoteState {
  const spent = new Set([...state.spent].filter((key) => !key.startsWith(`${source} `)))
  return withoutSign(withSpent(state, spent), source)
}

/**
 * One source takes back what it said for `reason`. A surer sign of its stands: a failover that has
 * begun goes on though the master answers again.
 */
export function takeBack(state: VoteState, source: string, reason: HoldReason): VoteState {
  const spent = new Set(state.spent)
  spent.delete(spentKey(source, reason))
  const unspent = withSpent(state, spent)
  return state.hold?.signs.get(source)?.reason === reason ? withoutSign(unspent, source) : unspent
}

function withSpent(state: VoteState, spent: ReadonlySet<string>): VoteState {
  return spent.size === state.spent.size ? state : { ...state, spent }
}

function withoutSign(state: VoteState, source: string): VoteState {
  if (state.hold === null || !state.hold.signs.has(source)) return state
  const signs = new Map(state.hold.signs)
  signs.delete(source)
  return { ...state, hold: signs.size === 0 ? null : { ...state.hold, signs } }
}

/**
 * A sentinel gave its failover up: every sign is void, whoever gave it. But where another one was
 * elected this was a candidate that lost: only its own sign is.
 */
export function liftAborted(state: VoteState, source: string): VoteState {
  if (state.hold === null) return state
  const { signs } = state.hold
  const isLed = [...signs].some(
    ([other, { reason }]) => other !== source && rank[reason] >= rank['elected-leader'],
  )
  const own = [...signs].filter(([other]) => other === source)
  if (isLed) return withoutSign({ ...state, spent: spentBy(state, own) }, source)
  return { ...state, hold: null, spent: spentBy(state, signs) }
}

/** Ends a hold whose time has run out. */
export function expireHold(state: VoteState): VoteState {
  if (state.hold === null || state.at < state.hold.expiresAt) return state
  return { ...state, hold: null, spent: spentBy(state, state.hold.signs) }
}

function spentBy(
  state: VoteState,
  signs: Iterable<readonly [source: string, sign: Sign]>,
): ReadonlySet<string> {
  const spent = new Set(state.spent)
  for (const [source, sign] of signs) {
    spent.add(spentKey(source, sign.reason))
    // The same trouble as seen by polls.
    spent.add(spentKey(source, 'failover-flag'))
    spent.add(spentKey(source, 'odown'))
  }
  return spent
}

/** Readers are told of a later end in steps of so much: not with every sign. */
const TELL_STEP_MS = 1_000

/** The hold that stands has been told to the readers as it is. */
export function markTold(state: VoteState): VoteState {
  if (state.hold === null) return state
  return { ...state, hold: { ...state.hold, toldUntil: state.hold.expiresAt } }
}

/** What readers are to be told when the hold of `before` has become that of `after`. */
export function holdDifference(
  before: VoteState,
  after: VoteState,
  switched: boolean,
  reason: ReleaseReason,
): { hold?: HoldSign; release?: ReleaseSign } {
  const was = before.hold
  const is = after.hold
  if (
    is !== null &&
    (was?.id !== is.id || was.reason !== is.reason || is.expiresAt - is.toldUntil > TELL_STEP_MS)
  ) {
    return {
      hold: {
        id: is.id,
        reason: is.reason,
        ttlMs: Math.max(0, Math.round(is.expiresAt - after.at)),
      },
    }
  }
  // A switch ends every hold by itself.
  if (was !== null && is === null && !switched) return { release: { id: was.id, reason } }
  return {}
}
