import { describe, expect, it } from 'vitest'
import {
  a,
  agreed,
  b,
  c,
  isMaster,
  isReplica,
  lost,
  masterEvent,
  poll,
  replicaEvent,
  run,
  s1,
  s2,
  s3,
  switched,
  tick,
} from './vote-kit.ts'
import type { Step } from './vote-kit.ts'

interface HoldCase {
  readonly name: string
  readonly steps: readonly Step[]
  /** Holds and releases that readers were told of, in order. */
  readonly told: readonly string[]
}

/** s1 has told the chosen replica to be master; the old one may thaw now. */
const midFailover: readonly Step[] = [
  [10, masterEvent(s1, '+odown', a)],
  [20, masterEvent(s1, '+try-failover', a)],
  [30, masterEvent(s1, '+elected-leader', a)],
  [35, replicaEvent(s1, '+selected-slave', b, a)],
  [40, replicaEvent(s1, '+failover-state-send-slaveof-noone', b, a)],
]
const toldMidFailover = [
  'hold 1 odown',
  'hold 1 try-failover',
  'hold 1 elected-leader',
  'hold 1 selected-slave',
  'hold 1 promotion-sent',
]

const cases: readonly HoldCase[] = [
  {
    name: 'SENTINEL FAILOVER: from the first event on, and the switch ends it without a release',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [20, masterEvent(s1, '+elected-leader', a)],
      [30, replicaEvent(s1, '+selected-slave', b, a)],
      [40, replicaEvent(s1, '+failover-state-send-slaveof-noone', b, a)],
      [50, replicaEvent(s1, '+promoted-slave', b, a)],
      [51, isMaster(b)],
      [52, poll(s1, b, 2, { record: a, flags: ['master', 'failover_in_progress'] })],
      [53, switched(s1, a, b)],
    ],
    told: [
      'hold 1 try-failover',
      'hold 1 elected-leader',
      'hold 1 selected-slave',
      'hold 1 promotion-sent',
    ],
  },
  {
    name: 'a vaguer sign does not rename the hold',
    steps: [
      [10, masterEvent(s1, '+elected-leader', a)],
      [20, masterEvent(s2, '+odown', a, '#quorum 2/2')],
    ],
    told: ['hold 1 elected-leader'],
  },
  {
    name: 'later signs prolong it',
    steps: [
      [10, masterEvent(s1, '+elected-leader', a)],
      [5_000, masterEvent(s2, '+odown', a, '#quorum 2/2')],
    ],
    told: ['hold 1 elected-leader', 'hold 1 elected-leader'],
  },
  {
    name: 'signs about another address or another group are none of ours',
    steps: [
      [10, masterEvent(s1, '+odown', b)],
      [11, masterEvent(s1, '+sdown', a)],
      [12, replicaEvent(s1, '+odown', a, b)],
    ],
    told: [],
  },
  {
    name: '-failover-abort of the leader ends it, whoever gave signs',
    steps: [
      [10, masterEvent(s1, '+odown', a)],
      [11, masterEvent(s2, '+odown', a)],
      [12, masterEvent(s1, '+try-failover', a)],
      [90, masterEvent(s1, '-failover-abort-no-good-slave', a)],
    ],
    told: ['hold 1 odown', 'hold 1 try-failover', 'release 1 aborted'],
  },
  {
    name: '-failover-abort of a candidate that lost ends nothing: another one was elected',
    steps: [
      ...midFailover,
      [45, masterEvent(s2, '+try-failover', a)],
      [90, masterEvent(s2, '-failover-abort-not-elected', a)],
      [95, poll(s2, a, 1, { flags: ['master', 'o_down'] })],
      [96, poll(s1, a, 1, { flags: ['master', 'o_down', 'failover_in_progress'] })],
      [200, poll(s1, a, 1)],
    ],
    told: [...toldMidFailover, 'release 1 recovered'],
  },
  {
    name: 'nor does that of one that is behind, or one about another address',
    steps: [
      [10, isMaster(b)],
      [11, poll(s1, b, 2)],
      [12, poll(s2, b, 2)],
      [20, masterEvent(s1, '+odown', b)],
      [30, masterEvent(s3, '-failover-abort-not-elected', b)],
      [31, masterEvent(s2, '-failover-abort-not-elected', a)],
    ],
    told: ['hold 1 odown'],
  },
  {
    name: 'scenario 15: after an abort the flag o_down in polls starts no other hold',
    steps: [
      [10, masterEvent(s1, '+odown', a)],
      [12, masterEvent(s1, '+try-failover', a)],
      [90, masterEvent(s1, '-failover-abort-no-good-slave', a)],
      [1_000, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
      [2_000, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
    ],
    told: ['hold 1 odown', 'hold 1 try-failover', 'release 1 aborted'],
  },
  {
    name: 'but the next +try-failover does',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [90, masterEvent(s1, '-failover-abort-no-good-slave', a)],
      [900, masterEvent(s1, '+try-failover', a)],
    ],
    told: ['hold 1 try-failover', 'release 1 aborted', 'hold 2 try-failover'],
  },
  {
    name: '-odown takes back the sign of its own sentinel only',
    steps: [
      [10, masterEvent(s1, '+odown', a)],
      [11, masterEvent(s2, '+odown', a)],
      [20, masterEvent(s1, '-odown', a)],
      [30, masterEvent(s2, '-odown', a)],
    ],
    told: ['hold 1 odown', 'release 1 recovered'],
  },
  {
    name: '-odown in the middle of a failover takes nothing back: the sentinel goes on with it',
    steps: [
      ...midFailover,
      [50, masterEvent(s1, '-odown', a)],
      [60, poll(s1, a, 1, { flags: ['master', 'failover_in_progress'] })],
    ],
    told: toldMidFailover,
  },
  {
    name: 'nor does +role-change, nor a +odown and -odown in between',
    steps: [
      ...midFailover,
      [50, masterEvent(s1, '+role-change', a, 'new reported role is master')],
      [60, masterEvent(s1, '+odown', a)],
      [70, masterEvent(s1, '-odown', a)],
    ],
    told: toldMidFailover,
  },
  {
    name: 'and a poll without any flag does',
    steps: [...midFailover, [50, masterEvent(s1, '-odown', a)], [60, poll(s1, a, 1)]],
    told: [...toldMidFailover, 'release 1 recovered'],
  },
  {
    name: 'the failover was seen by its flag only: -odown does not take it back',
    steps: [
      [10, masterEvent(s1, '+odown', a)],
      [20, poll(s1, a, 1, { flags: ['master', 'o_down', 'failover_in_progress'] })],
      [30, masterEvent(s1, '-odown', a)],
      [15_010, tick],
    ],
    told: ['hold 1 odown', 'hold 1 failover-flag', 'release 1 expired'],
  },
  {
    name: 'the end was lost: a poll without the flag takes the sign back',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [1_000, poll(s1, a, 1)],
    ],
    told: ['hold 1 try-failover', 'release 1 recovered'],
  },
  {
    name: 'a poll that was asked before the sign does not',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [11, poll(s1, a, 1, { askedAt: 9 })],
    ],
    told: ['hold 1 try-failover'],
  },
  {
    name: 'a poll of another sentinel does not',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [1_000, poll(s2, a, 1)],
    ],
    told: ['hold 1 try-failover'],
  },
  {
    name: 'the sign was lost: the flag in a poll is one',
    steps: [[10, poll(s1, a, 1, { flags: ['master', 'failover_in_progress'] })]],
    told: ['hold 1 failover-flag'],
  },
  {
    name: 'a lost release: the hold ends by itself, and the same flag starts no other',
    steps: [
      [10, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
      [9_000, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
      [15_010, tick],
      [15_500, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
    ],
    told: ['hold 1 odown', 'release 1 expired'],
  },
  {
    name: 'once the flag has gone, it counts again',
    steps: [
      [10, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
      [15_010, tick],
      [16_000, poll(s1, a, 1)],
      [17_000, poll(s1, a, 1, { flags: ['master', 'o_down'] })],
    ],
    told: ['hold 1 odown', 'release 1 expired', 'hold 2 odown'],
  },
  {
    name: 'scenario 6: the master says that it is a replica, then that it is master again',
    steps: [
      [10, isReplica(a, c, false)],
      [1_000, isReplica(a, c, false)],
      [2_000, isMaster(a)],
    ],
    told: ['hold 1 not-master', 'release 1 recovered'],
  },
  {
    name: 'FAILOVER TO in progress, as the master itself says',
    steps: [
      [10, isMaster(a, undefined, true)],
      [500, isMaster(a)],
    ],
    told: ['hold 1 handing-over', 'release 1 recovered'],
  },
  {
    name: '-role-change of the master, and +role-change',
    steps: [
      [10, masterEvent(s1, '-role-change', a, 'new reported role is slave')],
      [20, masterEvent(s1, '+role-change', a, 'new reported role is master')],
    ],
    told: ['hold 1 role-change', 'release 1 recovered'],
  },
  {
    name: '-role-change of a replica is nothing',
    steps: [[10, replicaEvent(s1, '-role-change', b, a)]],
    told: [],
  },
  {
    name: 'the sentinel that gave the sign dies: the time ends it',
    steps: [
      [10, masterEvent(s1, '+try-failover', a)],
      [20, lost(s1)],
      [15_010, tick],
    ],
    told: ['hold 1 try-failover', 'release 1 expired'],
  },
  {
    name: 'signs of a sentinel that still names the past are late ones: after A, B, A',
    steps: [
      [10, isMaster(b)],
      [11, poll(s1, b, 2)],
      [12, poll(s2, b, 2)],
      [13, poll(s3, b, 2)],
      [20, isMaster(a)],
      [21, poll(s1, a, 3)],
      [22, masterEvent(s3, '+elected-leader', a)],
      [23, replicaEvent(s3, '+selected-slave', b, a)],
      [24, masterEvent(s3, '-role-change', a, 'new reported role is slave')],
    ],
    told: [],
  },
  {
    name: 'so are those of one in TILT, and of one whose epoch is older though it names our master',
    steps: [
      [10, poll(s2, a, 1, { tilt: true })],
      [11, masterEvent(s2, '+odown', a)],
      [12, poll(s1, a, 2)],
      [13, masterEvent(s3, '+try-failover', a)],
    ],
    told: [],
  },
  {
    name: 'one that has caught up is heard: by its next poll',
    steps: [
      [10, isMaster(b)],
      [11, poll(s1, b, 2)],
      [12, masterEvent(s2, '+odown', b)],
      [13, poll(s2, b, 2, { flags: ['master', 'o_down'] })],
    ],
    told: ['hold 1 odown'],
  },
  {
    name: 'signs about the old master after the switch are none of ours',
    steps: [
      [10, isMaster(b)],
      [11, poll(s1, b, 2)],
      [12, masterEvent(s2, '+odown', a)],
      [13, poll(s3, a, 1, { flags: ['master', 'o_down'] })],
    ],
    told: [],
  },
]

describe('holds', () => {
  it.each(cases.map((item) => [item.name, item] as const))('%s', (_name, item) => {
    const { outcomes } = run([...agreed(0, a, 1), ...item.steps])
    const told = outcomes.flatMap(({ hold, release }) => [
      ...(release === undefined ? [] : [`release ${String(release.id)} ${release.reason}`]),
      ...(hold === undefined ? [] : [`hold ${String(hold.id)} ${hold.reason}`]),
    ])
    expect(told).toEqual(item.told)
  })

  it('has none after a switch, for whatever the old master did', () => {
    const steps: Step[] = [
      [10, masterEvent(s1, '+try-failover', a)],
      [20, isMaster(b)],
      [21, poll(s1, b, 2, { record: a, flags: ['master', 'failover_in_progress'] })],
    ]
    const { state, outcomes } = run([...agreed(0, a, 1), ...steps])
    expect(state.hold).toBeNull()
    expect(outcomes.at(-1)).toMatchObject({ switched: true })
    expect(outcomes.at(-1)).not.toHaveProperty('release')
  })

  it('tells of a later end though each step there was a small one', () => {
    const steps = [10, 800, 1_600, 2_400].map((at): Step => [at, masterEvent(s1, '+odown', a)])
    const { outcomes } = run([...agreed(0, a, 1), ...steps])
    expect(outcomes.slice(-4).map(({ hold }) => hold?.ttlMs)).toEqual([
      15_000,
      undefined,
      15_000,
      undefined,
    ])
  })

  it('gives every hold a time to live', () => {
    const { outcomes } = run([...agreed(0, a, 1), [10, masterEvent(s1, '+odown', a)]])
    expect(outcomes.at(-1)?.hold).toEqual({ id: 1, reason: 'odown', ttlMs: 15_000 })
  })
})
