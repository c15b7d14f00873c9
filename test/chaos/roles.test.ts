import { setTimeout } from 'node:timers/promises'

import { expect, test } from 'vitest'

import {
  chaosStages,
  expectSound,
  expectUnharmed,
  groupState,
  readiness,
  stateWhere,
  toldOnce,
  underLoad,
} from '../support/chaos-stage.ts'
import { testRandom } from '../support/random.ts'
import { prepare } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

/** Roles that change without Sentinel: by FAILOVER, by REPLICAOF, or not at all. */
const { open } = chaosStages()

test('scenario 5: FAILOVER TO: followed ahead of the sentinels, and with them when they come round', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const [chosen] = group.replicas
  if (chosen === undefined) throw new Error('no replica')
  const report = await underLoad(stage, 'failover-to', async (ledger) => {
    await prepare(before, [['FAILOVER', 'TO', '127.0.0.1', chosen.port]])
    await stateWhere(
      stage,
      'the clients to be on the new master',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${chosen.port}`,
      2_000,
    )
    ledger.markSwitch()
    expect(await group.currentMasterPort()).toBe(before.port)
    await ledger.progress(1_000)
    // Half a minute later the sentinels find that their master is a replica, and elect another one.
    const after = await group.switched(before, 60_000)
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the clients to be where the sentinels are',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${after.port}`,
    )
  })
  // READONLY would stand among the errors.
  expectUnharmed(report)
}, 120_000)

test('scenario 6: the master is made a replica by hand: hold and alarm until Sentinel repairs it', async () => {
  // Slow sentinels: with a short down-after they find the replicas too old to be promoted.
  const groupOptions = { downAfterMs: 5_000 }
  const stage = await open({ groupOptions, args: ['--hold-window', '90s'] })
  const { group } = stage
  const before = await group.master()
  const [other] = group.replicas
  const report = await underLoad(stage, 'flip', async (ledger) => {
    await prepare(before, [['REPLICAOF', '127.0.0.1', other?.port ?? 0]])
    const held = await stateWhere(stage, 'the gate to hold', ({ gate }) => gate.name === 'holding')
    const told = await stateWhere(stage, 'an alarm', ({ alarms }) => alarms.length > 0)
    expect(held.upstream ?? `127.0.0.1:${before.port}`).toBe(`127.0.0.1:${before.port}`)
    expect(told.alarms.join()).toContain(
      `the master 127.0.0.1:${before.port} says that it is a slave`,
    )
    expect(await readiness(stage)).toMatchObject({ status: 503 })
    const after = await group.switched(before, 80_000)
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the clients to be on the new master',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${after.port}`,
    )
    expect(await readiness(stage)).toMatchObject({ status: 200 })
  })
  expectUnharmed(report)
}, 150_000)

test('scenario 11: the sentinels name a replica: bounded hold, a clear error, not ready', async () => {
  const groupOptions = { downAfterMs: 30_000 }
  const stage = await open({ groupOptions, args: ['--hold-window', '1s'] })
  const { group } = stage
  const before = await group.master()
  const report = await underLoad(stage, 'no-master', async (ledger) => {
    for (const node of group.nodes) await prepare(node, [['REPLICAOF', '127.0.0.1', 1]])
    await stateWhere(stage, 'the end of the hold', ({ gate }) => gate.name === 'failfast')
    const refused = (): boolean => ledger.book.refused > 100
    await until(refused, { within: 10_000, what: 'clients to be told MASTERDOWN' })
    const { status, text } = await readiness(stage)
    expect({ status, text }).toMatchObject({
      status: 503,
      text: expect.stringMatching(/commands are refused: (readonly|unblocked|failover)/) as string,
    })
    const { alarms } = await groupState(stage)
    expect(alarms.join()).toContain(`the master 127.0.0.1:${before.port} says that it is a slave`)
    await toldOnce(stage, 'says that it is a slave')
    await prepare(before, [['REPLICAOF', 'NO', 'ONE']])
    await stateWhere(stage, 'the gate to open', ({ gate }) => gate.name === 'open')
    expect(await readiness(stage)).toMatchObject({ status: 200 })
  })
  expectSound(report)
  expect(report.inDoubt).toBe(0)
  expect(report.lost).toEqual([])
})

test('scenario 11 on a machine that stalls: what a replica has refused is in nobody’s doubt', async () => {
  const groupOptions = { downAfterMs: 30_000 }
  const stage = await open({ groupOptions, args: ['--hold-window', '10s'] })
  const { group, proxy } = stage
  const before = await group.master()
  const random = testRandom('stalls')
  const report = await underLoad(stage, 'stalling', async () => {
    await prepare(before, [['REPLICAOF', '127.0.0.1', 1]])
    // Each time it is longer than the grace of the old master's links.
    for (let n = 0; n < 5; n += 1) {
      proxy.signal('proxyd', 'SIGSTOP')
      await setTimeout(250)
      proxy.signal('proxyd', 'SIGCONT')
      await setTimeout(random.next() * 12)
    }
    await stateWhere(stage, 'the gate to hold', ({ gate }) => gate.name === 'holding')
    await prepare(before, [['REPLICAOF', 'NO', 'ONE']])
    await stateWhere(stage, 'the gate to open', ({ gate }) => gate.name === 'open')
  })
  expectUnharmed(report)
})

test('scenario 15: no replica is good enough: fail fast, and on again with the master', async () => {
  const nodeConfig = ['appendonly yes', 'appendfsync always', 'replica-priority 0']
  const stage = await open({ groupOptions: { nodeConfig }, args: ['--hold-window', '3s'] })
  const { group } = stage
  const before = await group.master()
  let killedAt = 0
  const report = await underLoad(stage, 'no-good-slave', async (ledger) => {
    await before.kill()
    killedAt = performance.now()
    await stateWhere(stage, 'the end of the hold', ({ gate }) => gate.name === 'failfast')
    const refused = (): boolean => ledger.book.refused > 100
    await until(refused, { within: 10_000, what: 'clients to be told MASTERDOWN' })
    expect(await group.currentMasterPort()).toBe(before.port)
    await before.start()
    await stateWhere(stage, 'the gate to open', ({ gate }) => gate.name === 'open')
    ledger.markSwitch()
  })
  expectSound(report)
  expect(report.lost.filter(({ ackedAt }) => ackedAt > killedAt)).toEqual([])
})
