import { expect, test } from 'vitest'

import {
  chaosStages,
  expectUnharmed,
  groupState,
  hearsAll,
  logLines,
  readiness,
  stateWhere,
  underLoad,
} from '../support/chaos-stage.ts'
import { Authority } from '../support/certificates.ts'
import type { Certificate } from '../support/certificates.ts'
import { startRelay } from '../support/fault-relay.ts'
import { freePort } from '../support/ports.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { SentinelGroup, askAll } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** Passwords, users and certificates between the product and the servers. */
const { open, own } = chaosStages()

/** Clients come as the default user; the product itself has a user of its own. */
const USERS = ['user default on nopass ~* &* +@all', 'user probe on >open-sesame ~* &* +@all']
const PROBE = ['--upstream-user', 'probe', '--upstream-password', 'open-sesame']

test('scenario 24: a password that becomes wrong: told once, the last master kept; right again', async () => {
  const groupOptions = { nodeConfig: USERS, sentinelPassword: 'watchful' }
  const stage = await open({ groupOptions, args: [...PROBE, '--sentinel-password', 'watchful'] })
  const { group } = stage
  const before = await groupState(stage)
  const report = await underLoad(stage, 'passwords', async (ledger) => {
    await askAll(group.sentinels, 'ACL', 'SETUSER', 'default', 'resetpass', '>changed')
    await disconnectAll(group)
    await stateWhere(stage, 'all to be unreachable', ({ view }) =>
      view.sentinels.every((each) => each.state === 'unreachable'),
    )
    const told = (): string[] => logLines(stage, 'WRONGPASS')
    await until(() => told().length >= 6, { within: 5_000, what: 'the trouble to be told' })
    await ledger.progress(3_000)
    // Two connections to each of three sentinels: each has said once why it does not stand.
    expect(told()).toHaveLength(6)
    const { upstream, generation } = await groupState(stage)
    expect({ upstream, generation }).toEqual({
      upstream: before.upstream,
      generation: before.generation,
    })
    await askAll(group.sentinels, 'ACL', 'SETUSER', 'default', 'resetpass', '>watchful')
    await disconnectAll(group)
    await hearsAll(stage, 3)
    await group.whole(40_000)
    const after = await group.sentinelFailover()
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the failover to be followed',
      (state) => state.upstream === `127.0.0.1:${after.port}`,
    )
  })
  expectUnharmed(report)
}, 120_000)

test('scenario 24: a wrong password for the master from the start: a clear reason, never ready', async () => {
  const args = ['--upstream-user', 'probe', '--upstream-password', 'open-barley']
  const stage = await open({ groupOptions: { nodeConfig: USERS }, args, ready: false })
  const told = (): string[] => logLines(stage, 'cannot be asked', 'WRONGPASS')
  await until(() => told().length > 0, { within: 10_000, what: 'the reason to be told' })
  await stateWhere(stage, 'the sentinels to be well', ({ view }) =>
    view.sentinels.every(({ state }) => state === 'ok'),
  )
  expect(await readiness(stage)).toMatchObject({ status: 503 })
  expect(told()).toHaveLength(1)
})

/** The harness comes back with its own password at its next command. */
async function disconnectAll({ sentinels }: SentinelGroup): Promise<void> {
  await askAll(sentinels, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
  await askAll(sentinels, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
}

interface TlsGroup {
  readonly group: SentinelGroup
  readonly sentinelList: string
  /** The TLS port of a node. */
  readonly tlsPort: (node: RedisServer) => number
}

/** Servers that speak TLS to each other and to us; their plain ports are the harness's door only. */
async function startTlsGroup(authority: Authority, server: Certificate): Promise<TlsGroup> {
  const ports = new Map<RedisServer, number>()
  const start = async (lines: readonly string[], sentinel: boolean): Promise<RedisServer> => {
    const port = await freePort()
    const tls = [`tls-port ${port}`, 'tls-replication yes', 'tls-auth-clients yes']
    const files = [`tls-cert-file ${server.cert}`, `tls-key-file ${server.key}`]
    const config = [...tls, ...files, `tls-ca-cert-file ${authority.ca}`, ...lines]
    const redis = own(await startRedis({ config, sentinel }))
    ports.set(redis, port)
    return redis
  }
  const tlsPort = (redis: RedisServer): number => ports.get(redis) ?? 0
  const master = await start([], false)
  const replica = await start([`replicaof 127.0.0.1 ${tlsPort(master)}`], false)
  const watch = [
    `sentinel monitor mymaster 127.0.0.1 ${tlsPort(master)} 2`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 10000',
  ]
  const sentinels = [await start(watch, true), await start(watch, true), await start(watch, true)]
  const group = new SentinelGroup('mymaster', [master, replica], sentinels)
  const known = async (): Promise<boolean> => {
    const lists = await askAll(sentinels, 'SENTINEL', 'MASTER', 'mymaster')
    const text = lists.map((list) => JSON.stringify(list))
    return text.every((each) => /"num-slaves","1","num-other-sentinels","2"/.test(each))
  }
  await until(known, { within: 30_000, every: 100, what: 'the sentinels to know each other' })
  const sentinelList = sentinels.map((each) => `127.0.0.1:${tlsPort(each)}`).join(',')
  return { group, sentinelList, tlsPort }
}

function tlsArgs(authority: Authority, client: Certificate | null): string[] {
  return ['sentinel', 'upstream'].flatMap((side) => [
    ...[`--${side}-tls`, `--${side}-tls-ca`, authority.ca],
    ...(client === null
      ? []
      : [`--${side}-tls-cert`, client.cert, `--${side}-tls-key`, client.key]),
  ])
}

test('scenario 25: mutual TLS to sentinels and masters, through a failover', async () => {
  const authority = own(new Authority())
  const tls = await startTlsGroup(authority, authority.issue('server'))
  const { group, sentinelList: sentinels, tlsPort } = tls
  const args = tlsArgs(authority, authority.issue('client'))
  const stage = await open({ group, sentinels, args })
  const [before, after] = group.nodes as [RedisServer, RedisServer]
  const report = await underLoad(stage, 'tls', async (ledger) => {
    await group.requestFailover()
    await stateWhere(
      stage,
      'the clients to be on the new master',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${tlsPort(after)}`,
      20_000,
    )
    ledger.markSwitch()
    await ledger.progress(1_000)
    expect(await after.info('replication', 'role')).toBe('master')
    expect((await groupState(stage)).subscribed).toHaveLength(3)
    return new SentinelGroup('mymaster', [after, before], group.sentinels)
  })
  expectUnharmed(report)
}, 120_000)

test.each([
  ['an expired certificate of the servers', -1, true, /certificate has expired/],
  ['no certificate of ours', 30, false, /alert certificate required/],
])('scenario 25: %s: a clear error, told once, and no end', async (_what, days, hasOwn, words) => {
  const authority = own(new Authority())
  const server = authority.issue('server', days)
  const port = await freePort()
  const config = [
    ...[`tls-port ${port}`, 'tls-auth-clients yes', `tls-ca-cert-file ${authority.ca}`],
    ...[`tls-cert-file ${server.cert}`, `tls-key-file ${server.key}`],
    'sentinel monitor mymaster 127.0.0.1 1 1',
  ]
  const sentinel = own(await startRedis({ config, sentinel: true }))
  const relay = own(await startRelay(port))
  const group = new SentinelGroup('mymaster', [sentinel], [sentinel])
  const args = tlsArgs(authority, hasOwn ? authority.issue('client') : null)
  const stage = await open({ group, sentinels: `127.0.0.1:${relay.port}`, args, ready: false })
  const told = (): string[] =>
    logLines(stage, `127.0.0.1:${relay.port}`, 'not connected').filter((line) => words.test(line))
  await until(() => told().length >= 2, { within: 10_000, what: 'the trouble to be told' })
  const attempts = relay.accepted
  await until(() => relay.accepted > attempts + 10, { within: 20_000, what: 'more attempts' })
  // The events and the queries have a connection each.
  expect(told()).toHaveLength(2)
  expect(stage.proxy.child('supervisor').exit).toBeUndefined()
  expect(await readiness(stage)).toMatchObject({ status: 503 })
})
