import { expect, test } from 'vitest'

import { ADMIN_TOKEN } from '../support/admin-client.ts'
import { failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { testRandom } from '../support/random.ts'
import { expectLossless, switchOver } from '../support/switchover-suite.ts'

const stage = failoverStage({ workers: 2, args: ['--admin-token', ADMIN_TOKEN] })
const ROUNDS = 3

test('a planned switchover, three times in a row: 200 clients notice a pause and nothing else', async () => {
  const { target } = stage()
  const ledger = mixedLedger({ port: target.port, random: testRandom('planned'), thinkMs: 50 })
  try {
    await ledger.start()
    await ledger.progress(2_000)
    for (let round = 0; round < ROUNDS; round += 1) {
      const report = await switchOver(stage(), ledger)
      console.info(JSON.stringify(report))
      expect(report.dataPlanes).toBe(2)
    }
    await expectLossless(stage(), ledger)
  } finally {
    ledger.leave()
  }
}, 180_000)
