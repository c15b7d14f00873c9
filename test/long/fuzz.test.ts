import { describe, expect, test } from 'vitest'

import { fuzzStage } from '../support/fuzz/stage.ts'
import { testRandom } from '../support/random.ts'

/** How many commands, in all of the seeds together: SWITCHMASTER_FUZZ_COMMANDS, or 120,000. */
const COMMANDS = Number(process.env['SWITCHMASTER_FUZZ_COMMANDS'] ?? 120_000)
const SEEDS = 3

describe.each([
  ['multiplexed', []],
  ['dedicated', ['--pool-mode', 'dedicated']],
] as const)('pool mode %s', (mode, args) => {
  const fuzz = fuzzStage(args)
  const { seed } = testRandom(`fuzz ${mode}`)

  test.each(Array.from({ length: SEEDS }, (_each, n) => seed + n))(
    '20 clients cannot tell the proxy from the server: seed %i',
    async (each) => {
      const { commands } = await fuzz(each, COMMANDS / SEEDS)
      expect(commands).toBeGreaterThanOrEqual(COMMANDS / SEEDS)
    },
    1_200_000,
  )
})
