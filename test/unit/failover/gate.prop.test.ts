import fc from 'fast-check'
import { test } from 'vitest'
import { World, type Step } from './gate-model.ts'

const small = fc.integer({ min: 0, max: 5 })

const send = fc.record<Extract<Step, { what: 'send' }>>({
  what: fc.constant('send'),
  client: small,
  times: fc.integer({ min: 1, max: 3 }),
  request: fc.constantFrom('SET k', 'GET', 'INCR', 'EVAL x 0', 'PUBLISH c', 'BLPOP k'),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: send },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('leave' as const), client: small }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom('take' as const, 'give' as const),
      client: small,
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('cut' as const), link: small }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('answer' as const),
      link: small,
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('demote' as const),
      error: fc.constantFrom(
        "-READONLY You can't write against a read only replica.\r\n",
        '-LOADING Redis is loading the dataset in memory\r\n',
        '-MASTERDOWN Link with MASTER is down\r\n',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('hold' as const),
      reason: fc.constantFrom('failover' as const, 'switch' as const, 'operator' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'flush' as const,
        'flush' as const,
        'resume' as const,
        'switch' as const,
        'fence' as const,
        'grant' as const,
        'grant' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 100, 400, 900, 1_000),
    }),
  },
)

const limits = fc.record({
  drainBatch: fc.constantFrom(1, 2, 100),
  maxCommands: fc.constantFrom(2, 5, 1_000),
  maxBytes: fc.constantFrom(100, 1_000_000),
})

const script = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 3 }).map(Boolean)), {
  minLength: 5,
  maxLength: 70,
})

test('whatever happens, every command has one fate, in order, at one master', async () => {
  await fc.assert(
    fc.asyncProperty(limits, script, async (options, steps) => {
      const world = new World(options)
      for (const [each, calm] of steps) await world.run(each, calm)
      await world.settle()
    }),
    { numRuns: 2_000 },
  )
}, 60_000)
