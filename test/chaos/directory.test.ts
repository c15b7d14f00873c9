import { expect, test } from 'vitest'

import {
  chaosStages,
  expectUnharmed,
  groupState,
  logLines,
  readiness,
  stateWhere,
  underLoad,
} from '../support/chaos-stage.ts'
import { startDnsServer } from '../support/dns-server.ts'
import type { DnsServer } from '../support/dns-server.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { SentinelGroup, askAll, startSentinelGroup } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** Sentinels that are found by a name. */
const { open, own } = chaosStages()

function directory(dns: DnsServer, service: string): string[] {
  const what = ['--discovery', 'dns', '--discovery-service', service]
  return [...what, '--discovery-servers', dns.address, '--discovery-interval', '500ms']
}

function srvRecords(sentinels: readonly RedisServer[]): DnsServer['zone'] {
  const srv = sentinels.map(({ port }) => ({ name: 'host.test', port }))
  return { '_sentinel._tcp.test': { srv }, 'host.test': { a: ['127.0.0.1'] } }
}

/** Sentinels that have never heard of the others, for a group that goes on. */
async function freshSentinels(name: string, masterPort: number): Promise<RedisServer[]> {
  const config = [
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 10000`,
  ]
  const fresh: RedisServer[] = []
  for (let n = 0; n < 3; n += 1) fresh.push(own(await startRedis({ config, sentinel: true })))
  return fresh
}

test('scenario 19: all sentinels are replaced behind one DNS name: found again, and followed', async () => {
  const dns = own(await startDnsServer())
  const group = own(await startSentinelGroup())
  dns.zone = srvRecords(group.sentinels)
  const args = directory(dns, '_sentinel._tcp.test')
  const stage = await open({ group, sentinels: '', args })
  await group.sentinelFailover()
  await group.whole(40_000)
  const report = await underLoad(stage, 'moved', async (ledger) => {
    const { port } = group.knownMaster
    await Promise.all(group.sentinels.map((sentinel) => sentinel.kill()))
    const fresh = await freshSentinels(group.name, port)
    dns.zone = srvRecords(fresh)
    const ports = fresh.map((sentinel) => sentinel.port)
    await stateWhere(stage, 'the new sentinels to be listened to', ({ subscribed }) =>
      ports.every((each) => subscribed.includes(`127.0.0.1:${each}`)),
    )
    const moved = new SentinelGroup(group.name, group.nodes, fresh)
    await moved.whole(40_000)
    const before = await moved.master()
    expect(before.port).toBe(port)
    const after = await moved.sentinelFailover()
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the clients to be on the new master',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${after.port}`,
      20_000,
    )
    return moved
  })
  expectUnharmed(report)
}, 150_000)

test('scenario 20: the name is not there at the start and again later: waits, keeps, goes on', async () => {
  const dns = own(await startDnsServer())
  const nodeConfig = ['replica-announce-ip localhost']
  const sentinelConfig = ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes']
  const group = own(await startSentinelGroup({ nodeConfig, sentinelConfig }))
  await useNames(group)
  const [first] = group.sentinels
  const args = directory(dns, `sentinels.test:${first?.port ?? 0}`)
  const stage = await open({ group, sentinels: '', args, ready: false })
  const told = (): string[] => logLines(stage, 'the sentinels were not found', 'NXDOMAIN')
  await until(() => told().length > 0, { within: 10_000, what: 'the trouble to be told' })
  await until(() => dns.questions.length >= 6, { within: 10_000, what: 'more look-ups' })
  expect(told()).toHaveLength(1)
  expect(await readiness(stage)).toMatchObject({ status: 503 })

  dns.zone = { 'sentinels.test': { a: ['127.0.0.1'] } }
  await stage.proxy.ready()
  const { upstream } = await stateWhere(stage, 'all sentinels to be listened to', (state) => {
    return state.subscribed.length === 3
  })
  expect(upstream).toBe(`localhost:${group.knownMaster.port}`)
  const report = await underLoad(stage, 'nxdomain', async (ledger) => {
    dns.zone = {}
    await until(() => told().length > 1, { within: 10_000, what: 'the trouble to be told' })
    const after = await group.sentinelFailover()
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the clients to be on the new master',
      (state) => state.gate.name === 'open' && state.upstream === `localhost:${after.port}`,
    )
    await ledger.progress(1_000)
    expect(told()).toHaveLength(2)
    expect((await groupState(stage)).subscribed).toHaveLength(3)
  })
  expectUnharmed(report)
}, 120_000)

/** From now on the sentinels name their master by a host name. */
async function useNames(group: SentinelGroup): Promise<void> {
  const { sentinels, name } = group
  await askAll(sentinels, 'SENTINEL', 'REMOVE', name)
  const { port } = group.knownMaster
  const quorum = 2
  expect(await askAll(sentinels, 'SENTINEL', 'MONITOR', name, 'localhost', port, quorum)).toEqual([
    'OK',
    'OK',
    'OK',
  ])
  await askAll(sentinels, 'SENTINEL', 'SET', name, 'down-after-milliseconds', 1_000)
  await askAll(sentinels, 'SENTINEL', 'SET', name, 'failover-timeout', 10_000)
  await group.whole(40_000)
}
