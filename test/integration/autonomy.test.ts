import { expect, test } from 'vitest'

import { failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { summary } from '../support/ledger/ledger.ts'
import { testRandom } from '../support/random.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ mode: 'split' })

test('clients go on without a monitor and without sentinels; both back, failovers are followed', async () => {
  const { group, target } = stage()
  const ledger = mixedLedger({ port: target.port, random: testRandom('autonomy'), thinkMs: 50 })
  try {
    await ledger.start()
    await ledger.progress(1_000)

    await target.proxy?.kill('monitor')
    await ledger.progress(5_000)
    expect(ledger.book.dropped, 'without a monitor').toEqual([])
    expect(Object.fromEntries(ledger.book.errors), 'without a monitor').toEqual({})

    await Promise.all(group.sentinels.map((sentinel) => sentinel.kill()))
    await ledger.progress(5_000)
    target.proxy?.restart('monitor')
    await ledger.progress(5_000)
    expect(ledger.book.dropped, 'without sentinels').toEqual([])
    expect(Object.fromEntries(ledger.book.errors), 'without sentinels').toEqual({})
    expect(ledger.book.inDoubt + ledger.book.refused, 'without sentinels').toBe(0)

    for (const sentinel of group.sentinels) await sentinel.start()
    await group.whole(60_000)
    // Both are back when the monitor listens to the events of every sentinel again.
    const listens = async (): Promise<boolean> => {
      const lists = await Promise.all(group.sentinels.map((each) => each.clientLines()))
      return lists.every((lines) => lines.some((line) => line.includes(' psub=1')))
    }
    await until(listens, { within: 10_000, what: 'the monitor to listen to all sentinels' })
    const before = await group.master()
    const after = await group.sentinelFailover()
    ledger.markSwitch()
    await ledger.progress(3_000)
    await ledger.drain()
    expect(after).not.toBe(before)
    const report = await ledger.audit(after.port)
    console.info(summary(report))
    expect(report).toMatchObject({
      inDoubt: 0,
      refused: 0,
      errors: {},
      dropped: [],
      unanswered: [],
    })
    expect(report).toMatchObject({ torn: [], impossible: [] })
    expect(report).toMatchObject({ lost: [], duplicated: [], wrongOwner: [] })
  } finally {
    ledger.leave()
  }
}, 180_000)
