import { describe, expect, test } from 'vitest'
import { sentence } from '../../../src/ctl/actions.ts'
import { judge } from '../../../src/ctl/observation.ts'
import type { Observation } from '../../../src/ctl/observation.ts'
import { planReconcile } from '../../../src/ctl/plan-reconcile.ts'
import type { ReconcilePlan } from '../../../src/ctl/plan-reconcile.ts'
import { at, behindNat, deadNode, entry, group, node } from './kit.ts'
import { sentinel, settings, silent, terms } from './kit.ts'

function plan(seen: Observation, more = {}): ReconcilePlan {
  const sentinels = [11, 12, 13].map(at)
  const wish = { sentinels, settings: {}, deadAfterMs: 60_000, ...terms, ...more }
  return planReconcile(seen, judge(seen), wish)
}

const lists = { replicas: [entry(2), entry(3)] }
const three = [11, 12, 13].map((port) => sentinel(port, 1, lists))
const nodes = [node(1, null), node(2, 1), node(3, 1)]

describe('judge', () => {
  test('holds the same vote as the monitor, on one look', () => {
    const view = judge(group(three, nodes))
    expect(view.master).toEqual(at(1))
    expect(view.why).toMatch(/^3 of 3 sentinels .* name 10.0.0.1:1 at epoch 3$/)
  })

  test('takes nobody for the master who says that it is a replica', () => {
    expect(judge(group(three, [node(1, 2), node(2, 1), node(3, 1)])).master).toBeNull()
  })
})

describe('planReconcile', () => {
  test('a group that is well needs nothing', () => {
    const none = { refused: null, actions: [], resets: [], notes: [] }
    expect(plan(group(three, nodes))).toEqual(none)
  })

  test('a replica of the wrong master, a stranger among the sentinels, one that differs', () => {
    const odd = sentinel(13, 1, { ...lists, settings: { ...settings, quorum: 3 } })
    const sentinels = [sentinel(11, 1, lists), sentinel(12, null), odd]
    const seen = group(sentinels, [node(1, null), node(2, 3), node(3, 1)])
    expect(plan(seen).actions.map(sentence)).toEqual([
      '10.0.0.1:2: REPLICAOF 10.0.0.1 1 (follows 10.0.0.1:3)',
      '10.0.0.1:2: CONFIG REWRITE (for good)',
      '10.0.0.1:12: SENTINEL MONITOR mm 10.0.0.1 1 2 (does not know the group)',
      '10.0.0.1:12: SENTINEL SET mm down-after-milliseconds 5000 (as wanted)',
      '10.0.0.1:12: SENTINEL SET mm failover-timeout 60000 (as wanted)',
      '10.0.0.1:12: SENTINEL SET mm parallel-syncs 1 (as wanted)',
      '10.0.0.1:13: SENTINEL SET mm quorum 2 (is 3)',
    ])
  })

  test('servers are told the address by which they reach the master, not ours', () => {
    const sentinels = [sentinel(11, 1, lists), sentinel(12, null), sentinel(13, 1, lists)]
    const seen = group(sentinels, [node(1, null), node(2, 3), node(3, 1)])
    expect(plan(seen, behindNat).actions.map(sentence)).toEqual(
      expect.arrayContaining([
        '10.0.0.1:2: REPLICAOF 172.18.0.1 6379 (follows 10.0.0.1:3)',
        '10.0.0.1:12: SENTINEL MONITOR mm 172.18.0.1 6379 2 (does not know the group)',
      ]),
    )
  })

  test('the flags of the command line win', () => {
    const actions = plan(group(three, nodes), { settings: { downAfterMs: 1_000 } }).actions
    expect(actions.map(sentence)).toEqual(
      [11, 12, 13].map(
        (port) => `10.0.0.1:${port}: SENTINEL SET mm down-after-milliseconds 1000 (is 5000)`,
      ),
    )
  })

  test('forgets only what is dead for long, answers nobody, and is no configured sentinel', () => {
    const replicas = [entry(2), entry(3, 's_down,slave', 90_000), entry(4, 's_down,slave', 5_000)]
    const peers = [
      entry(12, 's_down,sentinel', 90_000),
      entry(14, 's_down,sentinel,disconnected', 90_000),
      entry(15, 's_down,sentinel', 90_000),
    ]
    const seen = group(
      [sentinel(11, 1, { replicas, peers }), silent(12), silent(14), sentinel(15, 1)],
      [node(1, null), node(2, 1), deadNode(3), deadNode(4)],
    )
    expect(plan(seen).resets).toEqual([
      { at: at(11), why: 'remembers 10.0.0.1:3, 10.0.0.1:14, dead for long' },
    ])
  })

  test('a second master and a sentinel in the past are told of, not touched', () => {
    const past = sentinel(13, 3)
    const stale = { ...past, poll: past.poll === null ? null : { ...past.poll, at: 100 } }
    const seen = group(
      [...three.slice(0, 2), stale],
      [node(1, null), node(2, null, { keys: 9 }), node(3, 1)],
    )
    const { actions, notes } = plan(seen)
    expect(actions).toEqual([])
    expect(notes).toEqual([
      '10.0.0.1:2 says that it is a master: the sentinels make it a replica by themselves',
      "10.0.0.1:13 names 10.0.0.1:3: it learns better from the others' hellos",
    ])
  })

  test('is refused without a master, and during a failover', () => {
    const nobody = group([silent(11)], [])
    expect(plan(nobody).refused).toMatch(/no master can be told/)
    const busy = sentinel(11, 1, { flags: ['master', 'failover_in_progress'] })
    expect(plan(group([busy, ...three.slice(1)], nodes)).refused).toMatch(/failover is under way/)
  })
})
