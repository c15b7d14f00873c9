import { addressKey } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import type { Evidence, SentinelPeer, Stamp } from '../../../src/topology/evidence.ts'
import { parseEvent, parseHello } from '../../../src/topology/parse.ts'
import type { AddressMap } from '../../../src/topology/parse.ts'
import { initialState, voteRules } from '../../../src/topology/state.ts'
import type { VoteRules, VoteState } from '../../../src/topology/state.ts'
import type { ReplicaInfo, SentinelState } from '../../../src/topology/view.ts'
import { vote } from '../../../src/topology/vote.ts'
import type { VoteOutcome } from '../../../src/topology/vote.ts'

/** Words in which the scenarios of the vote are written down. */

export const GROUP = 'mymaster'
export const [s1, s2, s3] = [1, 2, 3].map((n) => ({
  host: `10.0.0.${String(n)}`,
  port: 26379,
})) as [Address, Address, Address]
export const [a, b, c] = [1, 2, 3].map((n) => ({
  host: `10.0.1.${String(n)}`,
  port: 6379,
})) as [Address, Address, Address]
/** Our own listener. */
export const own: Address = { host: '10.0.9.9', port: 8889 }

/** An observation that has no time yet. */
export type Observe = (stamp: Stamp) => Evidence
/** An observation `at` so many milliseconds. */
export type Step = readonly [at: number, observe: Observe]

const none: AddressMap = new Map()

export function runIdOf(address: Address): string {
  return `run-${address.host}`
}

export function replica(address: Address): ReplicaInfo {
  const runId = runIdOf(address)
  return { address, runId, flags: 'slave', linkUp: true, priority: 100, offset: 1 }
}

export interface PollExtra {
  readonly downAfterMs?: number
  readonly tilt?: boolean
  readonly flags?: readonly string[]
  /** What SENTINEL MASTER says when it is not what get-master-addr says. */
  readonly record?: Address
  readonly before?: Address
  readonly askedAt?: number
  readonly replicas?: readonly ReplicaInfo[]
  readonly peers?: readonly SentinelPeer[]
  readonly runId?: string | null
}

/** A consistent answer unless `extra` says otherwise; null: the group is not known there. */
export function poll(
  sentinel: Address,
  master: Address | null,
  configEpoch: number,
  extra: PollExtra = {},
): Observe {
  return (stamp) => ({
    kind: 'poll',
    ...stamp,
    sentinel,
    askedAt: extra.askedAt ?? stamp.at - 1,
    runId: extra.runId === undefined ? runIdOf(sentinel) : extra.runId,
    tilt: extra.tilt ?? false,
    before: extra.before ?? master,
    after: master,
    master:
      master === null
        ? null
        : {
            address: extra.record ?? master,
            runId: null,
            configEpoch,
            flags: extra.flags ?? ['master'],
            downAfterMs: extra.downAfterMs ?? 1_000,
            failoverTimeoutMs: 10_000,
          },
    replicas: extra.replicas ?? null,
    peers: extra.peers ?? null,
  })
}

/** A message as the sentinel publishes it. */
export function event(sentinel: Address, channel: string, payload: string): Observe {
  return (stamp) => {
    const parsed = parseEvent(channel, payload, none)
    if (parsed === null) throw new Error(`no event: ${channel} ${payload}`)
    return { kind: 'event', ...stamp, sentinel, event: parsed }
  }
}

export function masterEvent(sentinel: Address, channel: string, of: Address, rest = ''): Observe {
  const tail = rest === '' ? '' : ` ${rest}`
  return event(sentinel, channel, `master ${GROUP} ${of.host} ${String(of.port)}${tail}`)
}

export function replicaEvent(
  sentinel: Address,
  channel: string,
  of: Address,
  master: Address,
): Observe {
  const own = `${of.host} ${String(of.port)}`
  const tail = `@ ${GROUP} ${master.host} ${String(master.port)}`
  return event(sentinel, channel, `slave ${addressKey(of)} ${own} ${tail}`)
}

export function switched(sentinel: Address, from: Address, to: Address, group = GROUP): Observe {
  const ends = [from, to].map((item) => `${item.host} ${String(item.port)}`).join(' ')
  return event(sentinel, '+switch-master', `${group} ${ends}`)
}

export function hello(
  node: Address,
  sentinel: Address,
  master: Address,
  configEpoch: number,
  group = GROUP,
): Observe {
  const epoch = String(configEpoch)
  const who = `${sentinel.host},${String(sentinel.port)},${runIdOf(sentinel)},${epoch}`
  const what = `${group},${master.host},${String(master.port)},${epoch}`
  return (stamp) => {
    const parsed = parseHello(`${who},${what}`, node, stamp, none)
    if (parsed === null) throw new Error('no hello')
    return parsed
  }
}

export function isMaster(address: Address, runId = runIdOf(address), handingOver = false): Observe {
  return (stamp) => ({
    kind: 'role',
    ...stamp,
    address,
    role: 'master',
    offset: 1,
    runId,
    master: null,
    linkUp: true,
    handingOver,
  })
}

export function isReplica(address: Address, master: Address, linkUp = true): Observe {
  return (stamp) => ({
    kind: 'role',
    ...stamp,
    address,
    role: 'slave',
    offset: 1,
    runId: runIdOf(address),
    master,
    linkUp,
    handingOver: false,
  })
}

export function unreachable(address: Address): Observe {
  return failed(address, 'ECONNREFUSED', false)
}

/** It wants a password, and we have none. */
export function mute(address: Address): Observe {
  return failed(address, 'NOAUTH Authentication required.', true)
}

function failed(address: Address, reason: string, denied: boolean): Observe {
  return (stamp) => ({ kind: 'role-failed', ...stamp, address, reason, denied })
}

export function lost(sentinel: Address): Observe {
  return (stamp) => ({ kind: 'lost', ...stamp, sentinel, reason: 'ECONNREFUSED' })
}

export function configured(...sentinels: readonly Address[]): Observe {
  return (stamp) => ({ kind: 'configured', ...stamp, sentinels })
}

export function seen(configEpoch: number): Observe {
  return (stamp) => ({ kind: 'seen', ...stamp, configEpoch })
}

export const tick: Observe = (stamp) => ({ kind: 'tick', ...stamp })

/** All three sentinels name `master`, and it agrees. */
export function agreed(at: number, master: Address, configEpoch: number): Step[] {
  const replicas = [a, b, c].filter((node) => node !== master).map(replica)
  return [
    [at, configured(s1, s2, s3)],
    [at, isMaster(master)],
    ...[s1, s2, s3].map((sentinel): Step => [
      at,
      poll(sentinel, master, configEpoch, { replicas }),
    ]),
  ]
}

export interface Run {
  readonly state: VoteState
  readonly outcomes: readonly VoteOutcome[]
  /** The masters in the order in which they were followed, as host's last number and epoch. */
  readonly moves: readonly string[]
  readonly alarms: readonly string[]
}

export function letter(address: Address | null): string {
  if (address === null) return '-'
  const known = [
    ['a', a],
    ['b', b],
    ['c', c],
  ] as const
  return (
    known.find(([, item]) => addressKey(item) === addressKey(address))?.[0] ?? addressKey(address)
  )
}

export function run(steps: readonly Step[], rules: Partial<VoteRules> = {}): Run {
  const forbidden = new Set([addressKey(own)])
  let state = initialState(voteRules(GROUP, { forbidden, ...rules }))
  const outcomes: VoteOutcome[] = []
  const moves: string[] = []
  for (const [at, observe] of steps) {
    const outcome = vote(state, observe({ at, wall: 1_000_000 + at }))
    state = outcome.state
    outcomes.push(outcome)
    const { master, configEpoch } = state.view
    if (outcome.switched) moves.push(`${letter(master)}${String(configEpoch)}`)
  }
  return { state, outcomes, moves, alarms: outcomes.flatMap((outcome) => outcome.alarms) }
}

/** One scenario with what must come of it. */
export interface VoteCase {
  readonly name: string
  readonly steps: readonly Step[]
  /** Every master that was followed, with its epoch at that moment. */
  readonly moves: readonly string[]
  readonly epoch?: number
  readonly alarm?: RegExp
  readonly provisional?: boolean
  readonly epochRestart?: boolean
  /** The states of s1, s2, s3. */
  readonly sentinels?: readonly SentinelState[]
  /** Nodes whose ROLE is wanted at the end. */
  readonly probe?: string
  readonly why?: RegExp
}
