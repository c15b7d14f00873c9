import { expect, test } from 'vitest'

import { ADMIN_TOKEN } from '../support/admin-client.ts'
import { failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { testRandom } from '../support/random.ts'
import { expectLossless, switchOver } from '../support/switchover-suite.ts'

const stage = failoverStage({ workers: 2, args: ['--admin-token', ADMIN_TOKEN] })
const ROUNDS = 50

test('fifty planned switchovers in a row under the load of 200 clients', async () => {
  const { target } = stage()
  const ledger = mixedLedger({ port: target.port, random: testRandom('fifty'), thinkMs: 50 })
  const times: number[] = []
  try {
    await ledger.start()
    await ledger.progress(2_000)
    for (let round = 0; round < ROUNDS; round += 1) {
      times.push((await switchOver(stage(), ledger)).ms.served)
    }
    await expectLossless(stage(), ledger)
  } finally {
    ledger.leave()
    console.info(`held for (ms): ${times.join(' ')}`)
  }
  expect(times).toHaveLength(ROUNDS)
})
