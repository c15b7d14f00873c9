import { describe, expect, test } from 'vitest'
import { sentence } from '../../../src/ctl/actions.ts'
import { planInit } from '../../../src/ctl/plan-init.ts'
import type { InitWish } from '../../../src/ctl/plan-init.ts'
import { at, behindNat, deadNode, group, node, sentinel, settings, silent, terms } from './kit.ts'
import type { NodeSeen, SentinelSeen } from '../../../src/ctl/observation.ts'

const blank = [11, 12, 13].map((port) => sentinel(port, null))
const watching = (master: number): SentinelSeen[] =>
  [11, 12, 13].map((port) => sentinel(port, master))
const wish: InitWish = { nodes: [1, 2, 3].map(at), master: null, settings, ...terms }

function plan(sentinels: readonly SentinelSeen[], nodes: readonly NodeSeen[], more = {}): string[] {
  const made = planInit(group(sentinels, nodes), { ...wish, ...more })
  return made.refused === null
    ? [`master ${made.master.port}`, ...made.actions.map(sentence)]
    : made.refused.map((reason) => `refused: ${reason}`)
}

describe('planInit', () => {
  test('three empty nodes and three sentinels become a group', () => {
    const steps = plan(blank, [node(1, null), node(2, null), node(3, null)])
    expect(steps).toEqual([
      'master 1',
      '10.0.0.1:2: REPLICAOF 10.0.0.1 1 (is a master)',
      '10.0.0.1:2: CONFIG REWRITE (for good)',
      '10.0.0.1:3: REPLICAOF 10.0.0.1 1 (is a master)',
      '10.0.0.1:3: CONFIG REWRITE (for good)',
      ...[11, 12, 13].flatMap((port) => [
        `10.0.0.1:${port}: SENTINEL MONITOR mm 10.0.0.1 1 2 (does not know the group)`,
        `10.0.0.1:${port}: SENTINEL SET mm down-after-milliseconds 5000 (as wanted)`,
        `10.0.0.1:${port}: SENTINEL SET mm failover-timeout 60000 (as wanted)`,
        `10.0.0.1:${port}: SENTINEL SET mm parallel-syncs 1 (as wanted)`,
      ]),
    ])
  })

  test('servers are told the address by which they reach the master, not ours', () => {
    const steps = plan(blank, [node(1, null), node(2, null)], behindNat).join('\n')
    expect(steps).toContain('10.0.0.1:2: REPLICAOF 172.18.0.1 6379 (is a master)')
    expect(steps).toContain('10.0.0.1:11: SENTINEL MONITOR mm 172.18.0.1 6379 2 ')
  })

  test('a group that is as wanted needs nothing', () => {
    expect(plan(watching(2), [node(1, 2, { keys: 5 }), node(2, null), node(3, 2)])).toEqual([
      'master 2',
    ])
  })

  test.each<[string, readonly NodeSeen[], object, string]>([
    ['the one that holds data', [node(1, null), node(2, null, { keys: 3 })], {}, 'master 2'],
    ['the one that others follow', [node(1, null), node(2, 3), node(3, null)], {}, 'master 3'],
    ['the one that is named', [node(1, null), node(2, null)], { master: at(2) }, 'master 2'],
  ])('the master is %s', (_what, nodes, more, first) => {
    expect(plan(blank, nodes, more)[0]).toBe(first)
  })

  test('a replica that is named is freed first', () => {
    const steps = plan(blank, [node(1, null), node(2, 1, { keys: 4 })], { master: at(2) })
    expect(steps[1]).toBe('10.0.0.1:2: REPLICAOF NO ONE (is to be the master)')
  })

  test.each<[string, readonly SentinelSeen[], readonly NodeSeen[], object, RegExp]>([
    [
      'two nodes that hold data',
      blank,
      [node(1, null, { keys: 1 }), node(2, null, { keys: 2 })],
      {},
      /1 holds 1 keys; 10.0.0.1:2 holds 2 keys; say with --master/,
    ],
    [
      'data that the named master does not have',
      blank,
      [node(1, null), node(2, null, { keys: 2 })],
      { master: at(1) },
      /10.0.0.1:2 holds 2 keys that 10.0.0.1:1 does not have/,
    ],
    [
      'a replica of somebody else that holds data',
      blank,
      [node(1, null), node(2, 99, { keys: 2 })],
      {},
      /10.0.0.1:2 holds 2 keys/,
    ],
    ['a dead node', blank, [node(1, null), deadNode(2)], {}, /10.0.0.1:2 cannot be asked/],
    ['a dead sentinel', [silent(11)], [node(1, null)], {}, /10.0.0.1:11 cannot be asked/],
    [
      'a group of that name with another master',
      watching(9),
      [node(1, null)],
      {},
      /names 10.0.0.1:9/,
    ],
    [
      'a quorum that is never met',
      blank,
      [node(1, null)],
      { settings: { quorum: 4 } },
      /quorum of 4 of 3/,
    ],
  ])('is refused: %s', (_what, sentinels, nodes, more, reason) => {
    const steps = plan(sentinels, nodes, more)
    expect(steps.join('\n')).toMatch(reason)
    expect(steps.every((step) => step.startsWith('refused: '))).toBe(true)
  })

  test('a password is used and never shown', () => {
    const auth = { username: 'joe', password: 'secret' }
    const steps = plan(blank.slice(0, 1), [node(1, null), node(2, null)], {
      auth,
      settings: { ...settings, quorum: 1 },
    })
    const text = steps.join('\n')
    expect(text).toContain('CONFIG SET masterauth ***')
    expect(text).toContain('SENTINEL SET mm auth-pass ***')
    expect(text).not.toContain('secret')
  })
})
