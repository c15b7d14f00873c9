import { afterAll, beforeAll, expect, test } from 'vitest'

import { ctl } from '../support/ctl.ts'
import { watchLeaks } from '../support/leaks.ts'
import { freePort } from '../support/ports.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { fieldsOf } from '../support/sentinel-group.ts'

let nodes: readonly RedisServer[] = []
let sentinels: readonly RedisServer[] = []

watchLeaks()
beforeAll(async () => {
  const started = Array.from({ length: 3 }, () => startRedis({}))
  const watchers = Array.from({ length: 3 }, async () =>
    startRedis({ port: await freePort(), sentinel: true }),
  )
  nodes = await Promise.all(started)
  sentinels = await Promise.all(watchers)
})
afterAll(async () => {
  await Promise.all([...sentinels, ...nodes].map((server) => server.stop()))
})

function names(servers: readonly RedisServer[]): string {
  return servers.map(({ port }) => `127.0.0.1:${port}`).join(',')
}

function init(...more: readonly string[]): ReturnType<typeof ctl> {
  const group = ['--sentinels', names(sentinels), '--admin', 'off', '--nodes', names(nodes)]
  return ctl('init', ...group, '--down-after', '1s', '--failover-timeout', '10s', ...more)
}

test('init refuses to empty a node, says which, and does nothing at all', async () => {
  const [, second, third] = nodes
  await second?.command('SET', 'a', '1')
  await third?.command('MSET', 'b', '2', 'c', '3')
  const open = await init()
  expect(open.code).toBe(1)
  const [left, right] = [second, third].map((node) => `127.0.0.1:${node?.port ?? 0}`)
  expect(open.facts['refused']).toContain(`${left ?? ''} holds 1 keys`)
  expect(open.facts['refused']).toContain(`${right ?? ''} holds 2 keys`)
  const named = await init('--master', right ?? '')
  expect(named.code).toBe(1)
  expect(named.facts['refused']).toContain(`${left ?? ''} holds 1 keys that`)
  expect(await second?.command('DBSIZE')).toBe(1)
  expect(await second?.info('replication', 'role')).toBe('master')
})

test('init makes the group; the node that holds data is its master; once more changes nothing', async () => {
  const [first, second, third] = nodes
  await second?.command('FLUSHALL')
  const made = await init()
  expect(made.code).toBe(0)
  expect(made.facts['master']).toBe(`127.0.0.1:${third?.port ?? 0}`)
  expect(await first?.command('GET', 'b')).toBe('2')
  for (const sentinel of sentinels) {
    const facts = fieldsOf(await sentinel.command('SENTINEL', 'MASTER', 'mymaster'))
    expect(facts.get('port')).toBe(String(third?.port))
    expect(facts.get('quorum')).toBe('2')
    expect(facts.get('down-after-milliseconds')).toBe('1000')
    expect(facts.get('num-other-sentinels')).toBe('2')
  }
  expect(await init()).toMatchObject({ code: 0, facts: { done: [] } })
})

test('init refuses what is impossible', async () => {
  const [first] = nodes
  const other = await init('--master', `127.0.0.1:${first?.port ?? 0}`)
  expect(other.facts['refused']).toContain('exists and has another master')
  const absent = ['--sentinels', names(sentinels), '--admin', 'off', '--nodes', '127.0.0.1:1']
  expect((await ctl('init', ...absent)).facts['refused']).toContain('127.0.0.1:1 cannot be asked')
  expect(await ctl('init', ...absent.slice(0, 4))).toMatchObject({ code: 2 })
})

test('with passwords: init logs replicas and sentinels in; none is ever shown', async () => {
  const secret = 'open-sesame'
  const servers = await Promise.all([
    startRedis({ config: [`requirepass ${secret}`], auth: [secret] }),
    startRedis({ config: [`requirepass ${secret}`], auth: [secret] }),
    startRedis({ config: ['requirepass guard'], auth: ['guard'], sentinel: true }),
  ])
  try {
    const [watcher] = servers.slice(2)
    const where = ['--sentinels', names(servers.slice(2)), '--admin', 'off']
    const nodesFlag = ['--nodes', names(servers.slice(0, 2)), '--down-after', '1s']
    const locked = await ctl('init', ...where, ...nodesFlag)
    expect(locked).toMatchObject({ code: 1 })
    expect(locked.facts['refused']).toContain('NOAUTH')
    const passwords = ['--upstream-password', secret, '--sentinel-password', 'guard']
    const made = await ctl('init', ...where, ...nodesFlag, ...passwords)
    expect(made).toMatchObject({ code: 0 })
    expect(made.text).not.toContain(secret)
    expect(await servers[1].info('replication', 'master_link_status')).toBe('up')
    const flags = fieldsOf((await watcher?.command('SENTINEL', 'MASTER', 'mymaster')) ?? null)
    expect(flags.get('flags')).toBe('master')
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
})
