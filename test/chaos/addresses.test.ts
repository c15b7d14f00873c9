import { expect, test } from 'vitest'

import {
  chaosStages,
  expectSound,
  expectUnharmed,
  groupState,
  stateWhere,
  toldOnce,
  underLoad,
} from '../support/chaos-stage.ts'
import { startRelay } from '../support/fault-relay.ts'
import type { FaultRelay } from '../support/fault-relay.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'
import { prepare, startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { startSentinelGroup } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** Addresses that lead elsewhere than they should. */
const { open, own } = chaosStages()

test('scenario 21: a foreign server on the address of the old master gets nothing of the clients', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  let killedAt = 0
  const report = await underLoad(stage, 'foreigner', async (ledger) => {
    await before.kill()
    killedAt = performance.now()
    await group.switched(before)
    ledger.markSwitch()
    const foreign = own(await startRedis({ port: before.port }))
    const watch = own(await OldMasterWatch.start(foreign))
    expect(await foreign.info('replication', 'role')).toBe('master')
    await ledger.progress(5_000)
    expect(await watch.strays()).toEqual([])
    // Sentinel takes it for the old master that is back, and makes it a replica.
    const isReplica = async (): Promise<boolean> =>
      (await foreign.info('replication', 'role')) === 'slave'
    await until(isReplica, { within: 30_000, what: 'Sentinel to make it a replica' })
    await ledger.progress(1_000)
    expect(await watch.strays()).toEqual([])
  })
  expectSound(report)
  expect(report.refused).toBe(0)
  expect(report.lost.filter(({ ackedAt }) => ackedAt > killedAt)).toEqual([])
}, 120_000)

test('scenario 21: another process on the address of the master is noticed by its run_id', async () => {
  const stage = await open({ groupOptions: { downAfterMs: 20_000, replicas: 0, sentinels: 1 } })
  const { group, proxy } = stage
  const master = await group.master()
  const before = await groupState(stage)
  const runId = await master.info('server', 'run_id')
  await master.kill()
  const foreign = own(await startRedis({ port: master.port }))
  const other = await foreign.info('server', 'run_id')
  const { generation } = await stateWhere(
    stage,
    'a new generation',
    (state) => state.gate.name === 'open' && state.generation > before.generation,
  )
  expect(generation).toBe(before.generation + 1)
  const told = await toldOnce(stage, "another process answers on the master's address")
  expect(told).toContain(`${runId} → ${other}`)
  expect(await proxy.metric('switchmaster_switches_total')).toBe(1)
})

test('scenario 22: announced addresses are reached elsewhere: the map holds on every path', async () => {
  const group = own(await startSentinelGroup())
  const relays = new Map<RedisServer, FaultRelay>()
  for (const server of [...group.nodes, ...group.sentinels]) {
    relays.set(server, own(await startRelay(server.port)))
  }
  const map = [...relays].map(([{ port }, relay]) => `127.0.0.1:${port}=127.0.0.1:${relay.port}`)
  const first = relays.get(group.sentinels[0] as RedisServer)?.port ?? 0
  const args = ['--address-map', map.join(',')]
  const stage = await open({ group, sentinels: `127.0.0.1:${first}`, args })
  const relayOf = (server: RedisServer): string => `127.0.0.1:${relays.get(server)?.port ?? 0}`
  await stateWhere(
    stage,
    'all sentinels to be listened to, by way of their relays',
    ({ subscribed }) => group.sentinels.every((each) => subscribed.includes(relayOf(each))),
  )
  const report = await underLoad(stage, 'nat', async (ledger) => {
    for (let round = 0; round < 2; round += 1) {
      await group.whole(40_000)
      const after = await group.sentinelFailover()
      ledger.markSwitch()
      const isThere = ({ gate, upstream }: Awaited<ReturnType<typeof groupState>>): boolean =>
        gate.name === 'open' && upstream === relayOf(after)
      await stateWhere(stage, 'the clients to be on the new master', isThere)
      await ledger.progress(1_000)
      for (const server of relays.keys()) expect(await direct(server)).toEqual([])
    }
  })
  expectUnharmed(report)

  /** Connections of the product that did not come by way of the relay. */
  async function direct(server: RedisServer): Promise<string[]> {
    // A server that was just made a replica has closed all connections; the product is soon back.
    const ours = async (): Promise<string[] | false> => {
      const all = await server.clientLines()
      const found = all.filter((line) => line.includes(' name=switchmaster'))
      return found.length > 0 && found
    }
    const lines = await until(ours, { within: 5_000, what: `a connection to ${server.port}` })
    const { outgoing } = relays.get(server) ?? { outgoing: new Set<number>() }
    return lines.filter((line) => !outgoing.has(Number(/ addr=\S+:(\d+) /.exec(line)?.[1])))
  }
}, 120_000)

test('scenario 23: sentinels that name 0.0.0.0 or our own address are refused: no loop to ourselves', async () => {
  const stage = await open()
  const { group, proxy, target } = stage
  const { port } = await group.master()
  const before = await groupState(stage)
  const report = await underLoad(stage, 'ourselves', async (ledger) => {
    const [first] = group.sentinels
    if (first === undefined) throw new Error('no sentinel')
    await name(first, '0.0.0.0', port)
    await refusal(`0.0.0.0:${port}`)
    await ledger.progress(1_000)
    const clients = await proxy.metric('switchmaster_clients')
    for (const sentinel of group.sentinels) await name(sentinel, '127.0.0.1', target.port)
    await refusal(`127.0.0.1:${target.port}`)
    await ledger.progress(3_000)
    const { upstream, generation, gate } = await groupState(stage)
    expect({ upstream, generation, gate: gate.name }).toEqual({
      upstream: before.upstream,
      generation: before.generation,
      gate: 'open',
    })
    // Of us nobody is a client of our own: only the three sentinels, on two connections each.
    expect(await proxy.metric('switchmaster_clients')).toBeLessThanOrEqual(clients + 6)
  })
  expectUnharmed(report)

  async function name(sentinel: RedisServer, host: string, at: number): Promise<void> {
    await sentinel.command('SENTINEL', 'REMOVE', group.name)
    await prepare(sentinel, [['SENTINEL', 'MONITOR', group.name, host, at, 2]])
  }

  async function refusal(address: string): Promise<void> {
    const text = `a sentinel names ${address}, which is refused`
    await stateWhere(stage, text, ({ alarms }) => alarms.includes(text))
    await toldOnce(stage, text)
  }
})
