import { describe, expect, test } from 'vitest'

import { ADMIN_TOKEN } from '../support/admin-client.ts'
import { ctl, ctlText } from '../support/ctl.ts'
import { failoverStage } from '../support/failover-suite.ts'
import { startRedis } from '../support/redis-server.ts'
import { fieldsOf } from '../support/sentinel-group.ts'
import { proxyOf } from '../support/switchover-suite.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ workers: 2, args: ['--admin-token', ADMIN_TOKEN] })

function door(): readonly string[] {
  return ['--admin', `127.0.0.1:${proxyOf(stage()).adminPort}`, '--admin-token', ADMIN_TOKEN]
}

function sentinels(): readonly string[] {
  return ['--sentinels', stage().group.sentinelList, '--admin', 'off']
}

describe('status and why', () => {
  test('show the group, its lags and the gate of every data plane', async () => {
    const { group } = stage()
    const master = `127.0.0.1:${(await group.master()).port}`
    const { code, facts } = await ctl('status', ...door())
    expect(code).toBe(0)
    expect(facts).toMatchObject({ master, seenBy: 'the proxy', alarms: [] })
    expect(facts['replicas']).toHaveLength(2)
    expect(facts['replicas']).toMatchObject([{ state: 'connected' }, { state: 'connected' }])
    expect(facts['sentinels']).toMatchObject(
      Array.from({ length: 3 }, () => ({ state: 'ok', names: master, quorum: 2 })),
    )
    expect(facts['gates']).toMatchObject([
      { gate: 'open', upstream: master },
      { gate: 'open', upstream: master },
    ])
    const { text } = await ctlText('status', ...door())
    expect(text).toContain(`master ${master}`)
    expect(text).toMatch(/worker 1 \(pid \d+\): gate open/)
  })

  test('without a proxy the sentinels are asked, and the same vote is held', async () => {
    const master = `127.0.0.1:${(await stage().group.master()).port}`
    const { code, facts } = await ctl('status', ...sentinels())
    expect(code).toBe(0)
    expect(facts).toMatchObject({ master, seenBy: 'one look', gates: [] })
    const told = await ctlText('why', ...sentinels())
    expect(told.text).toMatch(/^3 of 3 sentinels \(.*\) name 127\.0\.0\.1:\d+ at epoch \d+\n$/)
    const proxied = await ctl('why', ...door())
    expect(proxied.facts).toMatchObject({ master, provisional: false })
  })

  test('where nobody answers they say so, with status 1; wrong usage has status 2', async () => {
    expect(await ctlText('status', '--admin', '127.0.0.1:1')).toMatchObject({ code: 1 })
    expect(await ctlText('why', '--admin', '127.0.0.1:1')).toMatchObject({ code: 2 })
    expect(await ctlText('dance')).toMatchObject({ code: 2 })
    expect(await ctlText('hold', '--ttl', 'soon', ...door())).toMatchObject({ code: 2 })
    expect(await ctlText('add-replica', 'nonsense', ...sentinels())).toMatchObject({ code: 2 })
    const admin = ['--admin', `127.0.0.1:${proxyOf(stage()).adminPort}`]
    const stranger = await ctlText('hold', ...admin, '--admin-token', 'wrong')
    expect(stranger).toMatchObject({ code: 1 })
    expect(stranger.text).toContain('--admin-token')
  })
})

describe('failover, hold and release', () => {
  test('failover: planned, through the door of the proxy', async () => {
    const { group } = stage()
    await group.whole()
    const before = await group.master()
    const { code, facts } = await ctl('failover', ...door())
    expect(facts).toMatchObject({ done: true, from: `127.0.0.1:${before.port}`, late: [] })
    expect(code).toBe(0)
    await group.switched(before)
    const again = await ctl('failover', ...door(), '--timeout', '300ms')
    expect(again.code).toBe(1)
    expect(again.facts['refused']).toEqual(expect.any(String))
  })

  test('failover --force: by a sentinel, without a proxy', async () => {
    const { group } = stage()
    await group.whole(40_000)
    const before = await group.master()
    const { code, facts } = await ctl('failover', '--force', ...sentinels())
    expect(code).toBe(0)
    expect(facts).toMatchObject({ forced: true, from: `127.0.0.1:${before.port}` })
    await group.switched(before)
  })

  test('hold and release', async () => {
    const held = await ctl('hold', '--ttl', '20s', ...door())
    expect(held.code).toBe(0)
    expect(held.facts).toMatchObject({ ttlMs: 20_000, dataPlanes: [{ atRest: true }, {}] })
    const { facts } = await ctl('status', ...door())
    expect(facts['gates']).toMatchObject([{ gate: 'holding', reason: 'operator' }, {}])
    expect(await ctlText('release', ...door())).toMatchObject({ text: 'mymaster: 1 released\n' })
    expect((await ctl('release', ...door())).facts).toMatchObject({ released: 0 })
  })
})

describe('members', () => {
  test('a replica is added and removed; neither costs the group anything', async () => {
    const { group } = stage()
    await group.whole(40_000)
    const master = await group.master()
    const node = await startRedis({})
    const name = `127.0.0.1:${node.port}`
    try {
      await node.command('SET', 'precious', '1')
      const refused = await ctl('add-replica', name, ...sentinels())
      expect(refused.code).toBe(1)
      expect(refused.facts['refused']).toContain(`${name} holds 1 keys of its own`)
      await node.command('FLUSHALL')

      expect(await ctl('add-replica', name, ...sentinels())).toMatchObject({ code: 0 })
      const again = await ctl('add-replica', name, ...sentinels())
      expect(again).toMatchObject({ code: 0, facts: { done: [] } })
      expect(await node.info('replication', 'master_link_status')).toBe('up')

      const removed = await ctl('remove-replica', name, ...sentinels())
      console.info(removed.text)
      expect(removed).toMatchObject({ code: 0, facts: { removed: name } })
      expect(await node.info('replication', 'role')).toBe('master')
      for (const sentinel of group.sentinels) {
        const replicas = JSON.stringify(await sentinel.command('SENTINEL', 'REPLICAS', group.name))
        expect(replicas).not.toContain(name)
      }
      expect((await group.master()).port).toBe(master.port)
      const strange = await ctl('remove-replica', name, ...sentinels())
      expect(strange.facts['refused']).toContain('is no replica of mymaster')
      const chief = await ctl('remove-replica', `127.0.0.1:${master.port}`, ...sentinels())
      expect(chief.facts['refused']).toContain('is the master')
      await group.whole()
    } finally {
      await node.stop()
    }
  }, 180_000)
})

describe('reconcile and reset-sentinels', () => {
  test('nothing to do for a group that is well', async () => {
    await stage().group.whole(40_000)
    const { code, facts } = await ctl('reconcile', ...sentinels())
    expect(code).toBe(0)
    expect(facts).toMatchObject({ applied: false, steps: [], notes: [] })
  })

  test('a sentinel that disagrees, one that does not know the group, a replica gone astray', async () => {
    const { group } = stage()
    await group.whole(40_000)
    const [first, second] = group.sentinels
    const [astray, other] = group.replicas
    await first?.command('SENTINEL', 'SET', group.name, 'quorum', '3')
    await second?.command('SENTINEL', 'REMOVE', group.name)
    await astray?.command('REPLICAOF', '127.0.0.1', other?.port ?? 0)
    const plan = await ctl('reconcile', ...sentinels())
    const steps = JSON.stringify(plan.facts['steps'])
    expect(steps).toContain(`127.0.0.1:${first?.port ?? 0}: SENTINEL SET mymaster quorum 2 (is 3)`)
    expect(steps).toContain(`127.0.0.1:${second?.port ?? 0}: SENTINEL MONITOR mymaster`)
    expect(steps).toContain(`127.0.0.1:${astray?.port ?? 0}: REPLICAOF 127.0.0.1`)
    const applied = await ctl('reconcile', '--apply', ...sentinels())
    expect(applied).toMatchObject({ code: 0, facts: { applied: true } })
    await group.whole()
    const facts = fieldsOf((await first?.command('SENTINEL', 'MASTER', group.name)) ?? null)
    expect(facts.get('quorum')).toBe('2')
  }, 120_000)

  test('a replica that is dead for long is forgotten, and found again when it is back', async () => {
    const { group } = stage()
    await group.whole(40_000)
    const [victim] = group.replicas
    await victim?.kill()
    const downEverywhere = async (): Promise<boolean> => {
      const lists = await Promise.all(
        group.sentinels.map((each) => each.command('SENTINEL', 'REPLICAS', group.name)),
      )
      return lists.every((list) => JSON.stringify(list).includes('s_down'))
    }
    await until(downEverywhere, { within: 10_000, what: 'the sentinels to miss it' })
    const young = await ctl('reconcile', ...sentinels())
    expect(young.facts).toMatchObject({ steps: [] })
    expect(JSON.stringify(young.facts['notes'])).toContain('cannot be asked')
    const reset = await ctl('reset-sentinels', ...sentinels())
    expect(reset).toMatchObject({ code: 0 })
    expect(reset.facts['forgotten']).toEqual([`127.0.0.1:${victim?.port ?? 0}`])
    await victim?.start()
    await group.whole(40_000)
  }, 180_000)
})
