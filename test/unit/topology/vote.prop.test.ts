import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressKey, sameAddress } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import { initialState, isForbidden, voteRules } from '../../../src/topology/state.ts'
import { vote } from '../../../src/topology/vote.ts'
import {
  GROUP,
  a,
  agreed,
  b,
  c,
  hello,
  isMaster,
  isReplica,
  lost,
  masterEvent,
  own,
  poll,
  replicaEvent,
  run,
  s1,
  s2,
  s3,
  switched,
  tick,
  unreachable,
} from './vote-kit.ts'
import type { Observe, Step } from './vote-kit.ts'

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000)
const options = { seed, numRuns: 500, verbose: 1 as const }
console.info(`fast-check seed ${String(seed)} (FC_SEED=${String(seed)} repeats it)`)

const nodes = fc.constantFrom(a, b, c)
const bad = fc.constantFrom<Address>(
  own,
  { host: '0.0.0.0', port: 6379 },
  { host: '::', port: 6379 },
)
const anyAddress = fc.oneof({ weight: 5, arbitrary: nodes }, { weight: 1, arbitrary: bad })
const sentinel = fc.constantFrom(s1, s2, s3)
const epoch = fc.integer({ min: 0, max: 6 })

/** Anything that a server may say, true or not; but no sentinel begins to count anew. */
const observation: fc.Arbitrary<Observe> = fc.oneof(
  fc
    .tuple(sentinel, anyAddress, epoch, fc.boolean(), fc.boolean())
    .map(([who, master, at, tilt, busy]): Observe => (stamp) => {
      const flags = busy ? ['master', 'failover_in_progress'] : ['master']
      // The question is older than everything: no smaller epoch is taken for a restart.
      return poll(who, master, at, { tilt, flags, askedAt: -1 })(stamp)
    }),
  fc
    .tuple(nodes, sentinel, anyAddress, epoch)
    .map(([node, who, master, at]) => hello(node, who, master, at)),
  anyAddress.map((node) => isMaster(node)),
  fc.tuple(nodes, anyAddress, fc.boolean()).map(([node, of, up]) => isReplica(node, of, up)),
  nodes.map((node) => unreachable(node)),
  sentinel.map((who) => lost(who)),
  fc.tuple(sentinel, anyAddress, anyAddress).map(([who, from, to]) => switched(who, from, to)),
  fc
    .tuple(
      sentinel,
      fc.constantFrom('+odown', '-odown', '+try-failover', '-failover-abort-no-good-slave'),
      nodes,
    )
    .map(([who, channel, of]) => masterEvent(who, channel, of)),
  fc
    .tuple(sentinel, nodes, nodes)
    .map(([who, of, master]) => replicaEvent(who, '+promoted-slave', of, master)),
  fc.constant(tick),
)

/** In any order, each perhaps twice, with stamps that need not grow. */
const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 30_000 }), observation), {
  maxLength: 60,
})

describe('vote, whatever comes in whatever order', () => {
  it('never lowers the epoch, never follows a refused address, never names one as a node to ask', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const rules = voteRules(GROUP, { forbidden: new Set([addressKey(own)]) })
        let state = initialState(rules)
        for (const [at, observe] of [...agreed(0, a, 1), ...steps] as Step[]) {
          const before = state.view
          const outcome = vote(state, observe({ at, wall: at }))
          state = outcome.state
          const { view } = state
          expect(view.configEpoch).toBeGreaterThanOrEqual(before.configEpoch)
          expect(view.version).toBeGreaterThanOrEqual(before.version)
          expect(view.master !== null && isForbidden(rules, view.master)).toBe(false)
          expect(outcome.probe.some((node) => isForbidden(rules, node))).toBe(false)
          if (!sameAddress(before.master, view.master)) {
            expect(state.nodes.get(addressKey(view.master ?? a))).toMatchObject({
              role: { role: 'master' },
            })
          }
        }
      }),
      options,
    )
  })

  it('the same observation twice is the same as once', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const twice = steps.flatMap((step): Step[] => [step, step])
        const one = run([...agreed(0, a, 1), ...steps]).state.view
        const two = run([...agreed(0, a, 1), ...twice]).state.view
        expect([two.master, two.configEpoch]).toEqual([one.master, one.configEpoch])
      }),
      options,
    )
  })

  it('converges: once all sentinels and nodes agree, that is what is followed', () => {
    fc.assert(
      fc.property(history, nodes, (steps, master) => {
        const end: Step[] = [
          [100_000, isMaster(master)],
          ...[s1, s2, s3].map((who): Step => [100_000, poll(who, master, 7)]),
          [100_001, isMaster(master)],
          [100_001, tick],
        ]
        const { state } = run([...agreed(0, a, 1), ...steps, ...end])
        expect(state.view.master).toEqual(master)
        expect(state.view.configEpoch).toBe(7)
      }),
      options,
    )
  })

  it('a hold never outlives its time without a new sign', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { state } = run([...agreed(0, a, 1), ...steps, [100_000, tick]])
        expect(state.hold).toBeNull()
      }),
      options,
    )
  })
})
