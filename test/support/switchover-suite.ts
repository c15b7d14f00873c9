import { expect } from 'vitest'

import type { SwitchoverReport } from '../../src/switchover/switchover.ts'
import { post } from './admin-client.ts'
import type { FailoverStage } from './failover-suite.ts'
import { summary } from './ledger/ledger.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Proxy } from './proxy.ts'

export function proxyOf({ target }: FailoverStage): Proxy {
  if (target.proxy === undefined) throw new Error('planned switchovers need the product')
  return target.proxy
}

/** One planned change of master under the load of a ledger. */
export async function switchOver(stage: FailoverStage, ledger: Ledger): Promise<SwitchoverReport> {
  // A failover needs replicas that follow the present master: that is Sentinel's work of ten seconds.
  await stage.group.whole(40_000)
  const before = await stage.group.master()
  const answer = await post(proxyOf(stage), 'failover')
  expect(answer).toMatchObject({ status: 200 })
  ledger.markSwitch()
  const after = await stage.group.switched(before)
  const report = reportIn(answer.body)
  expect(report).toMatchObject({ late: [], to: `127.0.0.1:${after.port}` })
  await ledger.progress(1_000)
  return report
}

/** The single report in an answer of the admin door of `up`. */
function reportIn(body: Readonly<Record<string, unknown>>): SwitchoverReport {
  const { done } = body as { done: readonly { groups: readonly SwitchoverReport[] }[] }
  const report = done[0]?.groups[0]
  if (report === undefined) throw new Error(JSON.stringify(body))
  return report
}

/** Ends the load, audits it, and expects that no client has noticed anything but slowness. */
export async function expectLossless(stage: FailoverStage, ledger: Ledger): Promise<void> {
  await ledger.drain()
  const report = await ledger.audit((await stage.group.master()).port)
  console.info(summary(report))
  expect(report.dropped).toEqual([])
  expect(report.unanswered).toEqual([])
  expect(report.errors).toEqual({})
  expect(report.refused).toBe(0)
  expect(report.inDoubt).toBe(0)
  expect(report.lost).toEqual([])
  expect(report.duplicated).toEqual([])
  expect(report.wrongOwner).toEqual([])
  expect(report.torn).toEqual([])
  expect(report.impossible).toEqual([])
  expect(report.messages.lost).toBe(0)
  expect(report.popsLost).toBe(0)
}
