import {
  a,
  agreed,
  b,
  c,
  configured,
  event,
  hello,
  isMaster,
  isReplica,
  lost,
  own,
  poll,
  replica,
  runIdOf,
  s1,
  s2,
  s3,
  seen,
  tick,
} from './vote-kit.ts'
import type { Step, VoteCase } from './vote-kit.ts'

const unspecified = { host: '0.0.0.0', port: 6379 }
const unspecified6 = { host: '::', port: 6379 }

/** Who is listened to, and which addresses are never followed. */
export const trustCases: readonly VoteCase[] = [
  // Who is listened to.
  {
    name: 'scenario 26: in TILT: not listened to, even with a higher epoch',
    steps: [...agreed(0, a, 1), [500, isMaster(b)], [501, poll(s1, b, 2, { tilt: true })]],
    moves: ['a1'],
    sentinels: ['tilt', 'ok', 'ok'],
  },
  {
    name: 'scenario 26: +tilt as an event, and its end',
    steps: [
      ...agreed(0, a, 1),
      [500, event(s1, '+tilt', '#tilt mode entered')],
      [501, isMaster(b)],
      [502, hello(c, s1, b, 2)],
      [600, event(s1, '-tilt', '#tilt mode exited')],
    ],
    moves: ['a1', 'b2'],
  },
  {
    name: 'scenario 9: a silent one loses its vote after the limit',
    steps: [...agreed(0, a, 1), [3_000, poll(s1, a, 1)], [3_000, poll(s2, a, 1)], [6_000, tick]],
    moves: ['a1'],
    sentinels: ['ok', 'ok', 'unreachable'],
  },
  {
    name: 'scenario 18: all sentinels die: the view stays',
    steps: [
      ...agreed(0, a, 1),
      [500, lost(s1)],
      [500, lost(s2)],
      [500, lost(s3)],
      [60_000, isMaster(a)],
      [60_001, tick],
    ],
    moves: ['a1'],
    sentinels: ['unreachable', 'unreachable', 'unreachable'],
  },
  {
    name: 'scenario 19: all sentinels moved: the new ones are believed by their epoch',
    steps: [
      ...agreed(0, a, 1),
      [500, lost(s1)],
      [500, lost(s2)],
      [500, lost(s3)],
      [600, configured({ host: '10.0.0.7', port: 1 })],
      [601, isMaster(b)],
      [602, poll({ host: '10.0.0.7', port: 1 }, b, 2, { runId: 'seven' })],
    ],
    moves: ['a1', 'b2'],
  },
  {
    name: 'one sentinel under three addresses has one vote',
    steps: [
      ...agreed(0, a, 1),
      [500, isMaster(b)],
      [501, poll(s1, b, 1)],
      [502, poll({ host: 'alias', port: 26379 }, b, 1, { runId: runIdOf(s1) })],
      [503, poll({ host: 'another', port: 26379 }, b, 1, { runId: runIdOf(s1) })],
    ],
    moves: ['a1'],
    alarm: /different masters/,
  },
  {
    name: 'a learned sentinel votes like a configured one',
    steps: [
      [0, configured(s1)],
      [1, poll(s1, a, 1, { replicas: [replica(b)], peers: [{ address: s2, runId: runIdOf(s2) }] })],
      [2, poll(s2, b, 2)],
      [3, isMaster(b)],
    ],
    moves: ['b2'],
  },

  // Addresses.
  {
    name: 'scenario 23: our own listener is never a master',
    steps: [...agreed(0, a, 1), [500, isMaster(own)], [501, poll(s1, own, 2)]],
    moves: ['a1'],
    epoch: 1,
    alarm: /10\.0\.9\.9:8889, which is refused/,
  },
  {
    name: 'scenario 23: 0.0.0.0 is never a master',
    steps: [...agreed(0, a, 1), [500, isMaster(unspecified)], [501, poll(s1, unspecified, 2)]],
    moves: ['a1'],
    alarm: /refused/,
  },
  {
    name: 'scenario 23: neither is ::, nor by FAILOVER TO',
    steps: [
      ...agreed(0, a, 1),
      [499, poll(s1, a, 1, { replicas: [replica(unspecified6)] })],
      [500, isReplica(a, unspecified6)],
      [501, isMaster(unspecified6)],
      [502, poll(s1, unspecified6, 2)],
    ],
    moves: ['a1'],
    alarm: /refused/,
  },

  // Processes.
  {
    name: 'scenarios 21, 45: another process on the same address: noticed',
    steps: [...agreed(0, a, 1), [500, isMaster(a, 'another-run')]],
    moves: ['a1'],
    alarm: /another process answers/,
  },
  {
    name: 'scenario 41: a reader knows a higher epoch: not told to go back at once',
    steps: [...agreed(0, a, 1), [500, seen(5)], [501, tick]],
    moves: ['a1'],
    epochRestart: false,
  },
  {
    name: 'scenario 41: a majority stands by the lower epoch for long: told to go back',
    steps: [
      ...agreed(0, a, 1),
      [500, seen(5)],
      ...[3_000, 6_000, 9_000, 12_000].flatMap((at): Step[] => [
        [at, isMaster(a)],
        ...[s1, s2, s3].map((s): Step => [at, poll(s, a, 1)]),
      ]),
    ],
    moves: ['a1'],
    epochRestart: true,
  },
]
