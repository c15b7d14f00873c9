import { expect, test } from 'vitest'

import { fuzzStage } from '../support/fuzz/stage.ts'
import { testRandom } from '../support/random.ts'

const fuzz = fuzzStage()

/** What a new seed finds is for whoever runs the tests by hand; it must not refuse another's change. */
const second = process.env.CI === undefined ? testRandom('fuzz').seed : 19_870_412

test.each([
  ['a seed that stays', 20_241_018],
  ['a new seed, or in CI a second that stays', second],
])(
  '20 clients cannot tell the proxy from the server: %s (%i)',
  async (_what, seed) => {
    expect((await fuzz(seed, 3_000)).commands).toBeGreaterThanOrEqual(3_000)
  },
  60_000,
)
