import { expect, test } from 'vitest'

import {
  CROWD_WRITES,
  chaosStages,
  expectSound,
  expectUnharmed,
  underLoad,
} from '../support/chaos-stage.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'

/** The same change of master again and again: what is rare shows by number. */
const { open } = chaosStages()
const FAILOVERS = roundsFrom('SWITCHMASTER_CHAOS_FAILOVERS', 5)
const CRASHES = roundsFrom('SWITCHMASTER_CHAOS_CRASHES', 3)

/** Replicas on the same machine are never further behind, however busy it is. */
const LAG_MS = 1_000

function roundsFrom(variable: string, usual: number): number {
  const text = process.env[variable] ?? String(usual)
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds > 0) return rounds
  throw new Error(`${variable} is "${text}"; allowed: a whole number above 0`)
}

test(
  `scenario 4: SENTINEL FAILOVER by somebody else, ${FAILOVERS} times`,
  async () => {
    const stage = await open()
    const { group } = stage
    const strays: string[] = []
    const report = await underLoad(stage, 'failovers', async (ledger) => {
      for (let round = 0; round < FAILOVERS; round += 1) {
        await group.whole(60_000)
        const before = await group.master()
        await group.sentinelFailover()
        ledger.markSwitch()
        const watch = await OldMasterWatch.start(before)
        await ledger.progress(1_000).finally(async () => {
          strays.push(...(await watch.strays()))
          await watch.stop()
        })
      }
    })
    expect(strays).toEqual([])
    expectUnharmed(report)
  },
  FAILOVERS * 60_000,
)

test(
  `scenario 1: kill -9 of the master, ${CRASHES} times, the dead one back as a replica each time`,
  async () => {
    const stage = await open()
    const { group } = stage
    const rounds: { readonly wholeAt: number; readonly killedAt: number }[] = []
    const doubts: number[] = []
    const report = await underLoad(stage, 'crashes', async (ledger) => {
      for (let round = 0; round < CRASHES; round += 1) {
        await group.whole(60_000)
        const wholeAt = performance.now()
        await ledger.progress(500)
        const before = await group.master()
        const doubtsBefore = ledger.book.inDoubt
        await before.kill()
        rounds.push({ wholeAt, killedAt: performance.now() })
        await group.switched(before)
        ledger.markSwitch()
        await ledger.progress(1_000)
        doubts.push(ledger.book.inDoubt - doubtsBefore)
        await before.start()
      }
    })
    console.info(`in doubt by round: ${doubts.join(' ')}`)
    expectSound({ ...report, inDoubt: Math.max(...doubts) })
    expect(Math.max(...doubts)).toBeLessThanOrEqual(CROWD_WRITES)
    expect(report.refused).toBe(0)
    // A crash may lose what its replicas had not been told yet: of the moment before it, no other.
    const isOfCrash = (ackedAt: number): boolean =>
      rounds.some(({ wholeAt, killedAt }) => ackedAt > wholeAt && ackedAt <= killedAt)
    expect(report.lost.filter(({ ackedAt }) => !isOfCrash(ackedAt))).toEqual([])
    // How long before its crash each was acknowledged: the replication lag of that moment, in milliseconds.
    const ages = report.lost.map(({ ackedAt }) =>
      Math.min(...rounds.map(({ killedAt }) => killedAt - ackedAt).filter((age) => age >= 0)),
    )
    console.info(
      `lost: ${ages.length}, at most ${Math.max(0, ...ages).toFixed(1)} ms before the crash`,
    )
    expect(ages.filter((age) => age > LAG_MS)).toEqual([])
  },
  CRASHES * 90_000,
)
