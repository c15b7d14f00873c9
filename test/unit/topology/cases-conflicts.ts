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
  s1,
  s2,
  s3,
  unreachable,
} from './vote-kit.ts'
import type { Step, VoteCase } from './vote-kit.ts'

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
