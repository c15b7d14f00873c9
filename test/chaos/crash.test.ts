import { expect, test } from 'vitest'

import {
  CROWD_WRITES,
  chaosStages,
  expectSound,
  expectUnharmed,
  stateWhere,
  underLoad,
} from '../support/chaos-stage.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'
import { ThawWitness } from '../support/thaw-witness.ts'
import { RawClient } from '../support/raw-client.ts'
import { prepare } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { faultOf } from '../support/resp.ts'
import { SentinelEvents, portIn } from '../support/sentinel-events.ts'
import { until } from '../support/until.ts'

const { open, own } = chaosStages()

/** An error reply to a script may be the script's own words: it proves nothing and is passed on. */
const NO_SCRIPTS = { lua: 0 }

test('scenarios 2 and 3: the master hangs; thawed, it gets nothing of the clients any more', async () => {
  const stage = await open()
  const { group, proxy } = stage
  const before = await group.master()
  let frozenAt = 0
  const report = await underLoad(stage, 'hang', async (ledger) => {
    const witness = own(await ThawWitness.start(before))
    await ledger.progress(2_000)
    before.signal('SIGSTOP')
    frozenAt = performance.now()
    await group.switched(before)
    ledger.markSwitch()
    await ledger.progress(1_000)
    expect(await proxy.metric('switchmaster_holds_total')).toBeGreaterThan(0)
    await witness.beforeThaw()
    before.signal('SIGCONT')
    const thawed = await witness.afterThaw()
    // What lay in its sockets when it froze was sent before the switch, on links of that time.
    expect(thawed.fromNewLinks).toEqual([])
    expect(thawed.commands.length).toBeLessThanOrEqual(2 * CROWD_WRITES)
    const watch = own(await OldMasterWatch.start(before))
    await ledger.progress(3_000)
    expect(await watch.strays()).toEqual([])
    await group.whole(40_000)
    expect(await watch.strays()).toEqual([])
  })
  expectSound(report)
  expect(report.refused).toBe(0)
  expect(report.lost.filter(({ ackedAt }) => ackedAt > frozenAt)).toEqual([])
})

test('scenario 16: the new master is killed at its promotion: what is held waits for the next', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const events = own(await SentinelEvents.listen(group.sentinels))
  let killed: RedisServer | undefined
  let killedAt = 0
  const report = await underLoad(stage, 'twice', async (ledger) => {
    events.onEvent = (event) => {
      if (event.name !== '+promoted-slave' || killed !== undefined) return
      killed = group.nodes.find(({ port }) => port === portIn(event))
      killed?.signal('SIGKILL')
      killedAt = performance.now()
    }
    await group.requestFailover()
    await events.first('+promoted-slave')
    const next = await until(
      async () => {
        const port = await group.currentMasterPort()
        return port !== before.port && port !== killed?.port && port
      },
      { within: 40_000, every: 100, what: 'the sentinels to name a living master' },
    )
    await stateWhere(
      stage,
      'the clients to be on it',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${next}`,
      20_000,
    )
    ledger.markSwitch()
    await group.master()
  })
  expectSound(report)
  expect(report.refused).toBe(0)
  // What the killed one acknowledged in its short life was replicated to nobody.
  expect(report.lost.filter(({ ackedAt }) => ackedAt > killedAt)).toEqual([])
})

test('scenario 17: the new master still loads its data: LOADING is waited for', async () => {
  const loading = ['enable-debug-command local', 'loading-process-events-interval-bytes 1024']
  const stage = await open({ groupOptions: { nodeConfig: loading } })
  const { group } = stage
  const master = await group.master()
  // 3,000 keys of 1 ms each.
  await prepare(master, [['EVAL', "for n = 1, 3000 do redis.call('SET', 'bulk:' .. n, n) end", 0]])
  for (const node of group.nodes) await prepare(node, [['CONFIG', 'SET', 'key-load-delay', 1_000]])
  const report = await underLoad(
    stage,
    'loading',
    async (ledger) => {
      await group.sentinelFailover()
      const after = group.knownMaster
      const probe = await RawClient.connect(after.port)
      const reload = after.command('DEBUG', 'RELOAD')
      const isLoading = async (): Promise<boolean> =>
        faultOf(await probe.command('GET', 'bulk:1')).startsWith('LOADING')
      await until(isLoading, { within: 5_000, what: 'the new master to say LOADING' })
      await stateWhere(stage, 'the gate to hold', ({ gate }) => gate.reason === 'loading')
      await probe.destroy()
      expect(await reload).toBe('OK')
      ledger.markSwitch()
    },
    NO_SCRIPTS,
  )
  expectUnharmed(report)
})

test('scenario 17: MASTERDOWN of a server that has lost its master is waited for', async () => {
  const stage = await open({
    groupOptions: { downAfterMs: 30_000, nodeConfig: ['replica-serve-stale-data no'] },
  })
  const { group } = stage
  const master = await group.master()
  const report = await underLoad(
    stage,
    'masterdown',
    async () => {
      await prepare(master, [['REPLICAOF', '127.0.0.1', 1]])
      expect(faultOf(await master.command('GET', 'any'))).toMatch(/^MASTERDOWN/)
      await stateWhere(stage, 'the gate to hold', ({ gate }) => gate.name === 'holding')
      await prepare(master, [['REPLICAOF', 'NO', 'ONE']])
      await stateWhere(stage, 'the gate to open', ({ gate }) => gate.name === 'open')
    },
    NO_SCRIPTS,
  )
  expectUnharmed(report)
})

test('scenario 17: BUSY, NOREPLICAS and OOM of the new master are the answers of the clients', async () => {
  const stage = await open({
    groupOptions: { downAfterMs: 5_000, nodeConfig: ['lua-time-limit 50'] },
  })
  const { group, target, proxy } = stage
  const master = await group.sentinelFailover()
  const client = own(stoppable(await RawClient.connect(target.port)))
  await stateWhere(stage, 'the switch', ({ upstream }) => upstream === `127.0.0.1:${master.port}`)
  const holds = await proxy.metric('switchmaster_holds_total')

  await prepare(master, [['CONFIG', 'SET', 'min-replicas-to-write', 5]])
  expect(faultOf(await client.raw.command('SET', 'k', 'v'))).toMatch(/^NOREPLICAS/)
  await prepare(master, [['CONFIG', 'SET', 'min-replicas-to-write', 0]])

  await prepare(master, [['CONFIG', 'SET', 'maxmemory', '1mb']])
  expect(faultOf(await client.raw.command('SET', 'k', 'v'))).toMatch(/^OOM/)
  await prepare(master, [['CONFIG', 'SET', 'maxmemory', 0]])

  const looping = own(stoppable(await RawClient.connect(master.port)))
  const loop = looping.raw.command('EVAL', 'while true do end', 0)
  const isBusy = async (): Promise<boolean> =>
    faultOf(await client.raw.command('GET', 'k')).startsWith('BUSY')
  await until(isBusy, { within: 4_000, what: 'the client to be told BUSY' })
  await master.command('SCRIPT', 'KILL')
  expect(faultOf(await loop)).toMatch(/killed by user/i)

  expect(await client.raw.command('SET', 'k', 'v')).toBe('OK')
  expect(await proxy.metric('switchmaster_holds_total')).toBe(holds)
})

function stoppable(raw: RawClient): { readonly raw: RawClient; stop(): Promise<void> } {
  return { raw, stop: () => raw.destroy() }
}
