import { expect, test } from 'vitest'

import { MIXED_WRITES, failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { summary } from '../support/ledger/ledger.ts'
import { testRandom } from '../support/random.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ workers: 2 })

test('scenarios 1 and 37: kill -9 of the master under the load of 200 clients', async () => {
  const { group, target } = stage()
  const ledger = mixedLedger({ port: target.port, random: testRandom('crash'), thinkMs: 25 })
  try {
    await ledger.start()
    expect(ledger.connections).toBe(200)
    await ledger.progress(5_000)
    const before = await group.master()
    await before.kill()
    const killedAt = performance.now()
    await ledger.ghostsCome(10)
    if (target.proxy !== undefined) {
      const proxy = target.proxy
      const held = async (): Promise<boolean> => (await proxy.metric('switchmaster_held')) >= 100
      await until(held, { within: 2_000, what: 'commands to be held' })
    }
    await ledger.ghostsLeave()
    const after = await group.switched(before)
    ledger.markSwitch()
    await ledger.progress(5_000)
    await ledger.drain()
    const report = await ledger.audit(after.port)
    console.info(summary(report))

    // No connection is closed and no client is left without an answer.
    expect(report.dropped).toEqual([])
    expect(report.unanswered).toEqual([])
    // Nobody got what was another's; nothing was executed twice, or for one who had left.
    expect(report.wrongOwner).toEqual([])
    expect(report.torn).toEqual([])
    expect(report.impossible).toEqual([])
    expect(report.duplicated).toEqual([])
    expect(report.executedAfterLeaving).toBe(0)
    // Every command is answered by a master or is in doubt: no error of another kind, none refused.
    expect(report.errors).toEqual({})
    expect(report.refused).toBe(0)
    // In doubt are only writes, and at most those that were on the wire; a read is asked again.
    expect(report.readsInDoubt).toBe(0)
    expect(report.inDoubt).toBeLessThanOrEqual(MIXED_WRITES)
    // A crash may lose what was not replicated yet, which is never what was acknowledged afterwards.
    expect(report.lost.filter((write) => write.ackedAt > killedAt)).toEqual([])
    expect(report.lostAfterSwitch).toEqual([])
  } finally {
    ledger.leave()
  }
}, 90_000)
