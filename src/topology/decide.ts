import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { collect, isMajority, names, parties } from './ballots.ts'
import type { Ballot, Ballots, Party } from './ballots.ts'
import { freshRole, isForbidden, isFreshMaster, isMute, isRefuted } from './state.ts'
import type { VoteState } from './state.ts'

/** What the vote says about the master after one more observation. */
export interface Decision {
  /** The master to follow from now on, or null: stay as we are. */
  readonly adopt: Adoption | null
  /** Nodes whose word is needed before a choice can be made. */
  readonly probe: readonly Address[]
  /** Troubles that people should know; each text is raised once while it stands. */
  readonly alarms: readonly string[]
}

export interface Adoption {
  readonly address: Address
  readonly configEpoch: number
  readonly provisional: boolean
  readonly epochRestart: boolean
  readonly why: string
}

const stay: Decision = { adopt: null, probe: [], alarms: [] }

/** Pure: the rules of failover.md in the order in which they apply. */
export function decide(state: VoteState): Decision {
  const ballots = collect(state)
  const alarms = ballots.forbidden.map((address) => `a sentinel names ${address}, which is refused`)
  const found = choose(state, ballots)
  return { ...found, alarms: [...alarms, ...found.alarms] }
}

function choose(state: VoteState, ballots: Ballots): Decision {
  const { master, configEpoch } = state.view
  if (master === null) return bootstrap(state, ballots)
  const up = higherEpoch(state, ballots, above(state, ballots))
  if (up.adopt !== null) return up
  const equal = ballots.valid.filter((ballot) => ballot.configEpoch === configEpoch)
  const side = claimsAhead(state, ballots)
    ? stay
    : equal.length > 0
      ? equalEpoch(state, ballots, equal)
      : lowerEpoch(state, ballots)
  if (side.adopt !== null) return side
  const follow = followDemoted(state)
  return {
    adopt: follow.adopt,
    probe: [...up.probe, ...side.probe, ...follow.probe],
    alarms: [...up.alarms, ...side.alarms, ...follow.alarms],
  }
}

function above(state: VoteState, { valid }: Ballots): readonly Ballot[] {
  return valid.filter((ballot) => ballot.configEpoch > state.view.configEpoch)
}

/**
 * Whether a sentinel knows an epoch above the view's: then no lower one is gone back to. A claim that
 * only waits for its proof counts; one that is refused for good would stand in the way for ever.
 */
export function claimsAhead(state: VoteState, ballots: Ballots): boolean {
  const higher = above(state, ballots)
  return epochsOf(higher).some((epoch) =>
    sidesAt(higher, epoch).some((side) => {
      const kind = objectionTo(state, ballots, side)?.kind
      return kind !== 'stranger' && kind !== 'refuted'
    }),
  )
}

/** The highest first. */
function epochsOf(ballots: readonly Ballot[]): readonly number[] {
  return [...new Set(ballots.map((ballot) => ballot.configEpoch))].sort((a, b) => b - a)
}

function sidesAt(ballots: readonly Ballot[], epoch: number): readonly Party[] {
  return parties(ballots.filter((ballot) => ballot.configEpoch === epoch))
}

/** The first choice: the highest epoch, once a majority was heard or the grace is over. */
function bootstrap(state: VoteState, heard: Ballots): Decision {
  // With everybody in TILT (the whole machine slept) their word is better than none.
  const ballots = heard.valid.length > 0 ? heard : collect(withoutTilt(state))
  const waited = state.firstClaimAt === null ? 0 : state.at - state.firstClaimAt
  if (ballots.valid.length === 0) return stay
  const early =
    !isMajority(ballots.valid.length, ballots.known) && waited < state.rules.bootstrapGraceMs
  const decision = higherEpoch(state, ballots, ballots.valid)
  return early ? { ...decision, adopt: null } : decision
}

function withoutTilt(state: VoteState): VoteState {
  const sentinels = new Map(
    [...state.sentinels].map(([key, record]) => [key, { ...record, tilt: false }]),
  )
  return { ...state, sentinels }
}

/**
 * Ballots above the view's epoch: the highest that names a node which says it is a master. A lower
 * one of them is taken only when the higher one is refused for good: not while its node is being
 * asked, and for the first choice only when the higher one is of a stranger.
 */
function higherEpoch(state: VoteState, ballots: Ballots, higher: readonly Ballot[]): Decision {
  const probe: Address[] = []
  const alarms: string[] = []
  for (const epoch of epochsOf(higher)) {
    const sides = sidesAt(higher, epoch)
    if (sides.length > 1) alarms.push(conflict(epoch, sides))
    const objections: Objection[] = []
    const willing = sides.filter((side) => {
      // The master that we follow needs no new proof to be confirmed.
      if (sameAddress(side.address, state.view.master)) return true
      const objection = objectionTo(state, ballots, side)
      if (objection === null) return true
      objections.push(objection)
      probe.push(side.address)
      return false
    })
    alarms.push(...textsOf(objections))
    const [first, second] = willing
    if (first !== undefined) {
      const contested = second !== undefined && !isMajority(first.votes.length, ballots.known)
      if (contested) continue
      const what = `${addressKey(first.address)} at epoch ${String(epoch)}`
      const why = sentence(ballots, first.votes, what)
      const adopt = { ...first, configEpoch: epoch, provisional: false, epochRestart: false, why }
      return { adopt, probe, alarms }
    }
    const final = state.view.master === null ? ['stranger'] : ['stranger', 'refuted', 'mute']
    if (objections.some(({ kind }) => !final.includes(kind))) break
  }
  return { adopt: null, probe, alarms }
}

/** Another master at our own epoch: two forced failovers. The majority of all sentinels decides. */
function equalEpoch(state: VoteState, ballots: Ballots, equal: readonly Ballot[]): Decision {
  const { master, configEpoch, provisional } = state.view
  const sides = parties(equal)
  const ours = sides.find((side) => sameAddress(side.address, master))
  if (provisional && ours !== undefined) return confirmed(state, ballots, ours.votes)
  const others = sides.filter((side) => side !== ours)
  // A provisional master is ahead of the sentinels: that they still name the old one is expected.
  const alarms = others.length === 0 || provisional ? [] : [conflict(configEpoch, sides)]
  const oursGone = master !== null && isRefuted(state, master)
  for (const side of others) {
    // Whoever is refused at a higher epoch may still be right: it counts among those left.
    const voters = oursGone ? equal.length + above(state, ballots).length : ballots.known
    if (!isMajority(side.votes.length, voters)) continue
    const objection = objectionTo(state, ballots, side)
    if (objection !== null) {
      alarms.push(...textsOf([objection]))
      return { adopt: null, probe: [side.address], alarms }
    }
    const what = `${addressKey(side.address)} at the same epoch ${String(configEpoch)}, by majority`
    const why = sentence(ballots, side.votes, what)
    const adopt = { ...side, configEpoch, provisional: false, epochRestart: false, why }
    return { adopt, probe: [], alarms }
  }
  return { adopt: null, probe: [], alarms }
}

function confirmed(state: VoteState, ballots: Ballots, votes: readonly Ballot[]): Decision {
  const { master, configEpoch } = state.view
  if (master === null) return stay
  const why = sentence(ballots, votes, `${addressKey(master)} at epoch ${String(configEpoch)}`)
  const adopt = { address: master, configEpoch, provisional: false, epochRestart: false, why }
  return { ...stay, adopt }
}

/**
 * Nobody knows our epoch any more. Only when a majority of all sentinels agrees on one master, and
 * one of them was seen to begin anew (or a reader knows an epoch from before), we go back with them.
 */
function lowerEpoch(state: VoteState, ballots: Ballots): Decision {
  const [side] = parties(ballots.valid)
  if (side === undefined || !isMajority(side.votes.length, ballots.known)) return stay
  if (!side.votes.some((ballot) => ballot.restarted)) return stay
  const isOurs = sameAddress(side.address, state.view.master)
  const objection = isOurs ? null : objectionTo(state, ballots, side)
  if (objection !== null) {
    return { ...stay, probe: [side.address], alarms: textsOf([objection]) }
  }
  const configEpoch = Math.max(...side.votes.map((ballot) => ballot.configEpoch))
  const what = `${addressKey(side.address)} at epoch ${String(configEpoch)}, counted anew`
  const why = sentence(ballots, side.votes, what)
  const adopt = { ...side, configEpoch, provisional: false, epochRestart: true, why }
  return { adopt, probe: [], alarms: [`the sentinels count config-epochs anew: ${why}`] }
}

/** FAILOVER TO: the master says itself whose replica it is now, and that one says it is master. */
function followDemoted(state: VoteState): Decision {
  const { master, configEpoch } = state.view
  const role = master === null ? null : freshRole(state, master)
  if (master === null || role === null || role.role === 'master') return stay
  const next = role.master
  const alarm = `the master ${addressKey(master)} says that it is a ${role.role}`
  const waiting: Decision = { ...stay, probe: [master], alarms: [alarm] }
  if (next === null || !role.linkUp || isForbidden(state.rules, next)) return waiting
  if (!state.members.has(addressKey(next))) return waiting
  if (!isFreshMaster(state, next)) return { ...waiting, probe: [master, next] }
  const why = `${addressKey(master)} says that it follows ${addressKey(next)}, a known replica, which says that it is master; the sentinels have not said so yet`
  const adopt = { address: next, configEpoch, provisional: true, epochRestart: false, why }
  return { adopt, probe: [], alarms: [] }
}

function conflict(epoch: number, sides: readonly Party[]): string {
  const addresses = sides.map(({ address }) => addressKey(address)).sort()
  return `the sentinels name different masters at epoch ${String(epoch)}: ${addresses.join(', ')}`
}

/**
 * Why an address is not to be followed (yet), with a text for people where it is a trouble. `unasked`:
 * its own word since it was named is awaited; `mute`: it gives none, so a majority is awaited.
 */
interface Objection {
  readonly kind: 'unasked' | 'mute' | 'stranger' | 'refuted'
  readonly text: string | null
}

function textsOf(objections: readonly Objection[]): string[] {
  return objections.map(({ text }) => text).filter((text) => text !== null)
}

/** null: the address may be followed. */
function objectionTo(state: VoteState, ballots: Ballots, side: Party): Objection | null {
  const { address, votes } = side
  const said = `${names(votes)} names ${addressKey(address)}, which`
  // A lone sentinel of another group that bears the same name must not lead us astray, not even
  // while those of our group are told about it anew and name nobody.
  const isMember = state.members.has(addressKey(address))
  const judges = state.view.master === null ? ballots.valid.length : ballots.answering
  if (!isMember && !isMajority(votes.length, judges)) {
    // At the start nobody is known yet: no news.
    const text = state.view.master === null ? null : `${said} is not known to the others`
    return { kind: 'stranger', text }
  }
  if (isFreshMaster(state, address)) return null
  // Where we may not ask, the word of a majority of all sentinels has to do.
  if (isMute(state, address) && isMajority(votes.length, ballots.known)) return null
  const node = state.nodes.get(addressKey(address))
  if (node === undefined) return { kind: 'unasked', text: null }
  // It may have been promoted since it last said what it is.
  const isLate = votes.some((ballot) => ballot.since > node.at)
  const kind = isMute(state, address) ? 'mute' : isLate ? 'unasked' : 'refuted'
  if (node.state === 'failed') return { kind, text: `${said} cannot be asked: ${node.reason}` }
  if (node.role.role === 'master') return { kind: 'unasked', text: null }
  return { kind, text: `${said} says it is a ${node.role.role}` }
}

function sentence(ballots: Ballots, votes: readonly Ballot[], what: string): string {
  const count = `${String(votes.length)} of ${String(ballots.known)} sentinels (${names(votes)})`
  const others = ballots.valid.filter((ballot) => !votes.includes(ballot))
  const said = others.map(
    (ballot) =>
      `${ballot.sentinel} says ${addressKey(ballot.address)} at epoch ${String(ballot.configEpoch)}`,
  )
  const ignored = ballots.ignored.length === 0 ? [] : [`ignored: ${ballots.ignored.join(', ')}`]
  return [`${count} name ${what}`, ...said, ...ignored].join('; ')
}
