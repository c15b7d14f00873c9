import {
  a,
  agreed,
  b,
  c,
  isMaster,
  isReplica,
  lost,
  masterEvent,
  mute,
  poll,
  s1,
  s2,
  s3,
  seen,
  unreachable,
} from './vote-kit.ts'
import type { Step, VoteCase } from './vote-kit.ts'

const stranger = { host: '10.6.6.6', port: 6379 }
const s4 = { host: '10.0.0.4', port: 26379 }

/** All agree on a, and one more sentinel, of another group with the same name, is far ahead. */
const withStranger: readonly Step[] = [
  ...agreed(0, a, 7),
  [0, isMaster(stranger)],
  [1, poll(s4, stranger, 900)],
]

/** The same epoch twice, epochs counted anew, and FAILOVER TO. */
export const conflictCases: readonly VoteCase[] = [
  // The same epoch twice.
  {
    name: 'one of three names another master at our epoch: alarm, no move',
    steps: [...agreed(0, a, 1), [500, isMaster(b)], [501, poll(s1, b, 1)]],
    moves: ['a1'],
    alarm: /different masters at epoch 1/,
  },
  {
    name: 'two of three name another master at our epoch: the majority is followed',
    steps: [...agreed(0, a, 1), [500, isMaster(b)], [501, poll(s1, b, 1)], [502, poll(s2, b, 1)]],
    moves: ['a1', 'b1'],
    alarm: /different masters at epoch 1/,
    why: /at the same epoch 1, by majority/,
  },
  {
    name: 'a majority at our epoch names a replica: refused',
    steps: [
      ...agreed(0, a, 1),
      [500, isReplica(b, a)],
      [501, poll(s1, b, 1)],
      [502, poll(s2, b, 1)],
    ],
    moves: ['a1'],
    probe: 'b',
    alarm: /names 10\.0\.1\.2:6379, which says it is a slave/,
  },
  {
    name: 'two forced failovers with one epoch: the split is raised, the majority decides',
    steps: [
      ...agreed(0, a, 1),
      [500, isMaster(b)],
      [500, isMaster(c)],
      [501, poll(s1, b, 2)],
      [502, poll(s2, c, 2)],
      [503, poll(s3, c, 2)],
    ],
    moves: ['a1', 'b2', 'c2'],
    alarm: /different masters at epoch 2/,
  },
  {
    name: 'our master is gone, one of two that are left names another at our epoch: not enough',
    steps: [
      ...agreed(0, a, 1),
      [500, unreachable(a)],
      [500, isMaster(b)],
      [501, lost(s3)],
      [502, poll(s1, b, 1)],
    ],
    moves: ['a1'],
    alarm: /different masters/,
  },
  {
    name: 'our master is gone, all that are left name another at our epoch: followed',
    steps: [
      ...agreed(0, a, 1),
      [500, unreachable(a)],
      [500, isMaster(b)],
      [501, lost(s3)],
      [501, lost(s2)],
      [502, poll(s1, b, 1)],
    ],
    moves: ['a1', 'b1'],
    alarm: /different masters/,
  },

  // Counted anew.
  {
    name: 'scenario 13: REMOVE and MONITOR everywhere: the master stays, the epoch goes back',
    steps: [
      ...agreed(0, a, 5),
      [500, poll(s1, null, 0)],
      [501, poll(s2, null, 0)],
      [502, poll(s3, null, 0)],
      [600, masterEvent(s1, '+monitor', a, 'quorum 2')],
      [601, poll(s1, a, 0)],
      [602, poll(s2, a, 0)],
    ],
    moves: ['a5'],
    epoch: 0,
    epochRestart: true,
    alarm: /count config-epochs anew/,
  },
  {
    name: 'scenario 13: and then a failover at epoch 1 is followed',
    steps: [
      ...agreed(0, a, 5),
      ...[s1, s2, s3].map((s): Step => [500, poll(s, null, 0)]),
      ...[s1, s2, s3].map((s): Step => [600, poll(s, a, 0)]),
      [700, isMaster(b)],
      [701, poll(s1, b, 1)],
    ],
    moves: ['a5', 'b1'],
    epochRestart: true,
    alarm: /counted anew/,
  },
  {
    name: 'scenario 13: one sentinel began anew, the others did not: no move',
    steps: [
      ...agreed(0, a, 5),
      [500, isMaster(b)],
      [500, poll(s1, null, 0)],
      [501, poll(s1, b, 0)],
    ],
    moves: ['a5'],
    epoch: 5,
    epochRestart: false,
  },
  {
    name: 'scenario 13: two began anew, one still knows our epoch: no move',
    steps: [...agreed(0, a, 5), [500, isMaster(b)], [500, poll(s1, b, 0)], [501, poll(s2, b, 0)]],
    moves: ['a5'],
    epoch: 5,
  },
  {
    name: 'scenario 13: one began anew, the others are gone: no majority, no way back',
    steps: [
      ...agreed(0, a, 5),
      [500, lost(s2)],
      [500, lost(s3)],
      [501, poll(s1, null, 0)],
      [600, isMaster(b)],
      [601, poll(s1, b, 0)],
    ],
    moves: ['a5'],
    epoch: 5,
    epochRestart: false,
  },
  {
    name: 'counted anew with another master: only with ROLE',
    steps: [
      ...agreed(0, a, 5),
      ...[s1, s2, s3].map((s): Step => [500, poll(s, b, 0)]),
      [501, isMaster(b)],
    ],
    moves: ['a5', 'b0'],
    epoch: 0,
    epochRestart: true,
    alarm: /counted anew/,
  },
  {
    name: 'scenario 14: RESET: no peers, no replicas, the same pair: nothing',
    steps: [
      ...agreed(0, a, 5),
      ...[s1, s2, s3].flatMap((s): Step[] => [
        [500, masterEvent(s, '+reset-master', a)],
        [501, poll(s, a, 5, { peers: [], replicas: [] })],
      ]),
    ],
    moves: ['a5'],
    epoch: 5,
    epochRestart: false,
    sentinels: ['ok', 'ok', 'ok'],
  },

  // A higher epoch that is refused for good.
  {
    name: 'a sentinel of another group was wired in: epochs are still counted anew',
    steps: [
      ...withStranger,
      ...[s1, s2, s3].map((s): Step => [500, poll(s, null, 0)]),
      ...[s1, s2, s3].map((s): Step => [600, poll(s, a, 0)]),
      [700, isMaster(b)],
      [701, poll(s1, b, 1)],
    ],
    moves: ['a7', 'b1'],
    epochRestart: true,
    alarm: /counted anew/,
  },
  {
    name: 'a sentinel of another group was wired in: the majority at our epoch is followed',
    steps: [
      ...withStranger,
      [500, isMaster(b)],
      ...[s1, s2, s3].map((s): Step => [501, poll(s, b, 7)]),
    ],
    moves: ['a7', 'b7'],
    alarm: /not known to the others/,
  },
  {
    name: 'a sentinel of another group was wired in: a reader that is ahead is told to go back',
    steps: [
      ...withStranger,
      [500, seen(8)],
      ...[3_000, 6_000, 9_000, 12_000].flatMap((at): Step[] => [
        [at, isMaster(a)],
        [at, poll(s4, stranger, 900)],
        ...[s1, s2, s3].map((s): Step => [at, poll(s, a, 7)]),
      ]),
    ],
    moves: ['a7'],
    epochRestart: true,
    alarm: /not known to the others/,
  },
  {
    name: 'one sentinel names a dead replica for ever: the majority at our epoch is followed',
    steps: [
      ...agreed(0, a, 7),
      [10, poll(s4, c, 900)],
      [11, unreachable(c)],
      [500, isMaster(b)],
      ...[s1, s2, s3].map((s): Step => [501, poll(s, b, 7)]),
    ],
    moves: ['a7', 'b7'],
    alarm: /cannot be asked/,
  },
  {
    name: 'what it said before it was named refuses nothing: no lower claim wins meanwhile',
    steps: [
      ...agreed(0, a, 7),
      [400, isReplica(c, a)],
      [500, poll(s3, c, 8)],
      [500, isMaster(b)],
      [501, poll(s1, b, 7)],
      [501, poll(s2, b, 7)],
      [502, isMaster(c)],
    ],
    moves: ['a7', 'c8'],
    alarm: /says it is a slave/,
  },
  {
    name: 'nor while it may not be asked: a majority may still come to name it',
    steps: [
      ...agreed(0, a, 7),
      [500, poll(s3, c, 8)],
      [501, mute(c)],
      [502, isMaster(b)],
      [503, poll(s1, b, 7)],
      [503, poll(s2, b, 7)],
    ],
    moves: ['a7'],
    alarm: /cannot be asked: NOAUTH/,
  },
  {
    name: 'our master is gone: who is refused at a higher epoch counts among those left',
    steps: [
      ...agreed(0, a, 7),
      [500, unreachable(a)],
      [500, isMaster(b)],
      [501, poll(s1, b, 7)],
      [502, poll(s2, c, 8)],
      [502, poll(s3, c, 8)],
      [503, unreachable(c)],
    ],
    moves: ['a7'],
    alarm: /different masters/,
  },

  // FAILOVER TO.
  {
    name: 'scenario 5: the master follows a known replica which is master: followed ahead of all',
    steps: [...agreed(0, a, 1), [500, isReplica(a, b)], [501, isMaster(b)]],
    moves: ['a1', 'b1'],
    provisional: true,
    alarm: /says that it is a slave/,
  },
  {
    name: 'scenario 5: the sentinels still name the demoted one: not back',
    steps: [
      ...agreed(0, a, 1),
      [500, isReplica(a, b)],
      [501, isMaster(b)],
      ...[s1, s2, s3].map((s): Step => [1_500, poll(s, a, 1)]),
    ],
    moves: ['a1', 'b1'],
    provisional: true,
    alarm: /says that it is a slave/,
  },
  {
    name: 'scenario 5: then the sentinels choose the same one at a higher epoch: confirmed',
    steps: [
      ...agreed(0, a, 1),
      [500, isReplica(a, b)],
      [501, isMaster(b)],
      [1_500, poll(s1, b, 2)],
    ],
    moves: ['a1', 'b1'],
    epoch: 2,
    provisional: false,
    alarm: /says that it is a slave/,
  },
  {
    name: 'scenario 5: or another one at a higher epoch: followed',
    steps: [
      ...agreed(0, a, 1),
      [500, isReplica(a, b)],
      [501, isMaster(b)],
      [1_500, isMaster(c)],
      [1_501, poll(s1, c, 2)],
    ],
    moves: ['a1', 'b1', 'c2'],
    provisional: false,
    alarm: /says that it is a slave/,
  },
  {
    name: 'scenario 5: the link to the new one is not up yet: waits',
    steps: [...agreed(0, a, 1), [500, isReplica(a, b, false)], [501, isMaster(b)]],
    moves: ['a1'],
    alarm: /says that it is a slave/,
  },
  {
    name: 'scenario 6: REPLICAOF by hand, the other one is a replica too: waits, alarm',
    steps: [...agreed(0, a, 1), [500, isReplica(a, b)], [501, isReplica(b, a)]],
    moves: ['a1'],
    alarm: /says that it is a slave/,
  },
  {
    name: 'the master follows a stranger: not followed',
    steps: [
      ...agreed(0, a, 1),
      [500, isReplica(a, { host: '10.6.6.6', port: 6379 })],
      [501, isMaster({ host: '10.6.6.6', port: 6379 })],
    ],
    moves: ['a1'],
    alarm: /says that it is a slave/,
  },
]
