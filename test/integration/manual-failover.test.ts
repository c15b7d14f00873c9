import { expect, test } from 'vitest'

import { failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { summary } from '../support/ledger/ledger.ts'
import { testRandom } from '../support/random.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'
import type { Ledger } from '../support/ledger/ledger.ts'

const stage = failoverStage({ workers: 2 })
/** Each waits for Sentinel to tidy up behind the one before, which takes it ten seconds and more. */
const ROUNDS = Number(process.env.SWITCHMASTER_CHAOS_FAILOVERS ?? 3)

test(
  `SENTINEL FAILOVER ${ROUNDS} times in a row under the load of 200 clients`,
  async () => {
    const { group, target } = stage()
    const ledger = mixedLedger({ port: target.port, random: testRandom('manual'), thinkMs: 50 })
    const strays: string[] = []
    try {
      await ledger.start()
      await ledger.progress(2_000)
      for (let round = 0; round < ROUNDS; round += 1) strays.push(...(await failOver(ledger)))
      await ledger.drain()
      const report = await ledger.audit((await group.master()).port)
      console.info(summary(report))

      expect(strays).toEqual([])
      expect(report.dropped).toEqual([])
      expect(report.unanswered).toEqual([])
      expect(report.wrongOwner).toEqual([])
      expect(report.torn).toEqual([])
      expect(report.impossible).toEqual([])
      expect(report.duplicated).toEqual([])
      expect(report.errors).toEqual({})
      expect(report.refused).toBe(0)
      expect(report.inDoubt).toBe(0)
      expect(report.lost).toEqual([])
      expect(report.messages.lost).toBe(0)
    } finally {
      ledger.leave()
    }
  },
  60_000 + ROUNDS * 30_000,
)

/** One failover; answers with what clients still sent to the old master after the switch. */
async function failOver(ledger: Ledger): Promise<string[]> {
  const { group } = stage()
  // A failover needs replicas that follow the present master: that is Sentinel's work of ten seconds.
  await group.whole(40_000)
  const before = await group.master()
  await group.sentinelFailover()
  ledger.markSwitch()
  const watch = await OldMasterWatch.start(before)
  try {
    await ledger.progress(2_000)
    return await watch.strays()
  } finally {
    await watch.stop()
  }
}
