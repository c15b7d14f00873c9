import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { collect, isMajority, names, parties } from './ballots.ts'
import type { Ballot, Ballots } from './ballots.ts'
import { freshRole, isForbidden, isFreshMaster, isRefuted } from './state.ts'
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
  const higher = ballots.valid.filter((ballot) => ballot.configEpoch > configEpoch)
  const up = higherEpoch(state, ballots, higher)
  if (up.adopt !== null) return up
  const equal = ballots.valid.filter((ballot) => ballot.configEpoch === configEpoch)
  const side =
    higher.length > 0
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

/** Ballots above the view's epoch: the highest that names a node which says it is a master. */
function higherEpoch(state: VoteState, ballots: Ballots, higher: readonly Ballot[]): Decision {
  const probe: Address[] = []
  const alarms: string[] = []
  const epochs = [...new Set(higher.map((ballot) => ballot.configEpoch))].sort((a, b) => b - a)
  for (const epoch of epochs) {
    const sides = parties(higher.filter((ballot) => ballot.configEpoch === epoch))
    if (sides.length > 1)
      alarms.push(
        conflict(
          epoch,
          sides.map((side) => side.address),
        ),
      )
    const willing = sides.filter((side) => {
      // The master that we follow needs no new proof to be confirmed.
      if (sameAddress(side.address, state.view.master)) return true
      if (isFreshMaster(state, side.address)) return true
      probe.push(side.address)
      if (isRefuted(state, side.address))
        alarms.push(refusal(state, side.address, names(side.votes)))
      return false
    })
    const [first, second] = willing
    if (first === undefined) continue
    const contested = second !== undefined && !isMajority(first.votes.length, ballots.known)
    if (contested) continue
    const why = sentence(
      ballots,
      first.votes,
      `${addressKey(first.address)} at epoch ${String(epoch)}`,
    )
    const adopt = { ...first, configEpoch: epoch, provisional: false, epochRestart: false, why }
    return { adopt, probe, alarms }
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
  const alarms =
    others.length === 0 || provisional
      ? []
      : [
          conflict(
            configEpoch,
            sides.map((side) => side.address),
          ),
        ]
  const oursGone = master !== null && isRefuted(state, master)
  for (const side of others) {
    const voters = oursGone ? equal.length : ballots.known
    if (!isMajority(side.votes.length, voters)) continue
    if (!isFreshMaster(state, side.address)) return { adopt: null, probe: [side.address], alarms }
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
  if (!isOurs && !isFreshMaster(state, side.address)) return { ...stay, probe: [side.address] }
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
  if (!state.replicas.some((replica) => sameAddress(replica.address, next))) return waiting
  if (!isFreshMaster(state, next)) return { ...waiting, probe: [master, next] }
  const why = `${addressKey(master)} says that it follows ${addressKey(next)}, a known replica, which says that it is master; the sentinels have not said so yet`
  const adopt = { address: next, configEpoch, provisional: true, epochRestart: false, why }
  return { adopt, probe: [], alarms: [] }
}

function conflict(epoch: number, addresses: readonly Address[]): string {
  return `the sentinels name different masters at epoch ${String(epoch)}: ${addresses.map(addressKey).join(', ')}`
}

function refusal(state: VoteState, address: Address, who: string): string {
  const node = state.nodes.get(addressKey(address))
  const word = node?.state === 'known' ? `says it is a ${node.role.role}` : 'cannot be reached'
  return `${who} names ${addressKey(address)}, which ${word}`
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
