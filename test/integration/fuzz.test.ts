import { expect, test } from 'vitest'

import { fuzzStage } from '../support/fuzz/stage.ts'
import { testRandom } from '../support/random.ts'

const fuzz = fuzzStage()

test.each([
  ['a seed that stays', 20_241_018],
  ['a new seed', testRandom('fuzz').seed],
])(
  '20 clients cannot tell the proxy from the server: %s (%i)',
  async (_what, seed) => {
    expect((await fuzz(seed, 3_000)).commands).toBeGreaterThanOrEqual(3_000)
  },
  60_000,
)
