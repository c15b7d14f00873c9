import { describe, expect, it } from 'vitest'
import { addressKey } from '../../../src/base/address.ts'
import { collect } from '../../../src/topology/ballots.ts'
import { conflictCases } from './cases-conflicts.ts'
import { epochCases } from './cases-epochs.ts'
import { trustCases } from './cases-trust.ts'
import {
  a,
  agreed,
  b,
  c,
  configured,
  hello,
  isMaster,
  letter,
  lost,
  poll,
  replicaEvent,
  run,
  runIdOf,
  s1,
  s2,
  s3,
  switched,
  tick,
} from './vote-kit.ts'
import type { Step } from './vote-kit.ts'

const cases = [...epochCases, ...conflictCases, ...trustCases]

describe('vote', () => {
  it.each(cases.map((item) => [item.name, item] as const))('%s', (_name, item) => {
    const { state, moves, alarms, outcomes } = run(item.steps)
    expect(moves).toEqual(item.moves)
    const { view } = state
    if (item.epoch !== undefined) expect(view.configEpoch).toBe(item.epoch)
    if (item.provisional !== undefined) expect(view.provisional).toBe(item.provisional)
    if (item.epochRestart !== undefined) expect(view.epochRestart).toBe(item.epochRestart)
    if (item.sentinels !== undefined) {
      expect(view.sentinels.map((sentinel) => sentinel.state)).toEqual(item.sentinels)
    }
    if (item.probe !== undefined) {
      expect(outcomes.at(-1)?.probe.map(letter).join('')).toContain(item.probe)
    }
    if (item.alarm === undefined) expect(alarms).toEqual([])
    else expect(alarms.join('\n')).toMatch(item.alarm)
    if (item.why !== undefined) expect(view.why).toMatch(item.why)
  })

  it('raises the same alarm once while it stands', () => {
    const steps: Step[] = [...agreed(0, a, 1), [500, isMaster(b)]]
    for (let at = 501; at < 510; at++) steps.push([at, poll(s1, b, 1)])
    expect(run(steps).alarms).toHaveLength(1)
  })

  it('makes a new version of the view only when something changed', () => {
    const steps: Step[] = [...agreed(0, a, 1)]
    const version = run(steps).state.view.version
    for (let at = 10; at < 1_000; at += 100) {
      for (const sentinel of [s1, s2, s3]) steps.push([at, poll(sentinel, a, 1)])
      steps.push([at, isMaster(a)], [at, tick])
    }
    expect(run(steps).state.view.version).toBe(version)
  })

  it('asks at once after the events that matter, and not after the others', () => {
    const asks = (observe: Step[1]): boolean | undefined =>
      run([...agreed(0, a, 1), [10, observe]]).outcomes.at(-1)?.poll
    expect(asks(switched(s1, a, b))).toBe(true)
    expect(asks(switched(s1, a, b, 'other'))).toBe(false)
    expect(asks(replicaEvent(s1, '+promoted-slave', b, a))).toBe(true)
    expect(asks(hello(c, s1, b, 2))).toBe(true)
    expect(asks(hello(c, s1, a, 1))).toBe(false)
    expect(asks(replicaEvent(s1, '+fix-slave-config', b, a))).toBe(false)
  })

  it('a sentinel that cannot be reached stays unreachable while its hellos come, and has its vote', () => {
    const steps: Step[] = [...agreed(0, a, 1), [500, lost(s3)]]
    for (let at = 1_000; at < 12_000; at += 500) {
      for (const sentinel of [s1, s2]) steps.push([at, poll(sentinel, a, 1)])
      steps.push([at, hello(b, s3, a, 1)], [at, lost(s3)], [at, tick])
    }
    const { state, outcomes } = run(steps)
    const before = agreed(0, a, 1).length + 1
    expect(outcomes.slice(before).filter(({ changed }) => changed)).toEqual([])
    expect(state.view.sentinels.map((item) => item.state)).toEqual(['ok', 'ok', 'unreachable'])
    expect(collect(state).valid.map((ballot) => ballot.sentinel)).toContain(addressKey(s3))
    const back = run([...steps, [12_000, poll(s3, a, 1)]]).state.view
    expect(back.sentinels.map((item) => item.state)).toEqual(['ok', 'ok', 'ok'])
  })

  it('what it had said before the connection was lost is no vote', () => {
    const { state } = run([...agreed(0, a, 1), [500, lost(s3)], [600, lost(s3)]])
    expect(collect(state).valid.map((ballot) => ballot.sentinel)).not.toContain(addressKey(s3))
  })

  it('that differ in their settings make no new view with each answer: the most patient one counts', () => {
    const steps: Step[] = [...agreed(0, a, 1)]
    for (let at = 500; at < 5_000; at += 500) {
      steps.push([at, poll(s1, a, 1)], [at, poll(s2, a, 1, { downAfterMs: 5_000 })])
      // one that was wired in by mistake, and names another master
      steps.push([at, poll(s3, b, 0, { downAfterMs: 60_000 })])
    }
    const { state, outcomes } = run(steps)
    expect(outcomes.slice(-9).filter(({ changed }) => changed)).toEqual([])
    expect(state.view.downAfterMs).toBe(5_000)
  })

  it('forgets a learned sentinel that nobody names any more, and never a configured one', () => {
    const peers = [{ address: s3, runId: runIdOf(s3) }]
    const steps: Step[] = [
      [0, configured(s1, s2)],
      [1, poll(s1, a, 1, { peers })],
      [599_000, poll(s1, a, 1, { peers: [] })],
    ]
    expect(run([...steps, [599_500, tick]]).state.sentinels.size).toBe(3)
    expect(run([...steps, [601_000, tick]]).state.sentinels.size).toBe(2)
  })
})
