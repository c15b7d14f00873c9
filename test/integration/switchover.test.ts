import { expect, test } from 'vitest'

import { ADMIN_TOKEN, post } from '../support/admin-client.ts'
import { failoverStage, mixedLedger } from '../support/failover-suite.ts'
import { Ledger } from '../support/ledger/ledger.ts'
import { testRandom } from '../support/random.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode } from '../support/resp.ts'
import { expectLossless, proxyOf, switchOver } from '../support/switchover-suite.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ workers: 2, args: ['--admin-token', ADMIN_TOKEN] })
const ROUNDS = 3

test('a planned switchover, three times in a row: 200 clients notice a pause and nothing else', async () => {
  const { target } = stage()
  const ledger = mixedLedger({ port: target.port, random: testRandom('planned'), thinkMs: 50 })
  try {
    await ledger.start()
    await ledger.progress(2_000)
    for (let round = 0; round < ROUNDS; round += 1) {
      const report = await switchOver(stage(), ledger)
      console.info(JSON.stringify(report))
      expect(report.dataPlanes).toBe(2)
    }
    await expectLossless(stage(), ledger)
  } finally {
    ledger.leave()
  }
}, 180_000)

test('an upload that has begun is finished first; a command in a pipeline behind it waits', async () => {
  const { group, target } = stage()
  await group.whole(40_000)
  const before = await group.master()
  const client = await RawClient.connect(target.port, { patience: 20_000 })
  try {
    const bytes = encode('SET', 'large', Buffer.alloc(2_000_000, 'x'))
    const half = bytes.length / 2
    await client.send(bytes.subarray(0, half))
    await until(async () => (await uploads()) === 1, { within: 5_000, what: 'the upload to begin' })
    const switching = post(proxyOf(stage()), 'failover')
    await until(async () => (await proxyState()).includes('"gate":{"name":"holding"'), {
      within: 5_000,
      what: 'the gate to hold',
    })
    await client.send(Buffer.concat([bytes.subarray(half), encode('STRLEN', 'large')]))
    expect((await switching).status).toBe(200)
    const replies = await client.frames(2)
    expect(replies.map(String)).toEqual(['+OK\r\n', ':2000000\r\n'])
    const after = await group.switched(before)
    expect(await after.command('STRLEN', 'large')).toBe(2_000_000)
  } finally {
    await client.destroy()
  }
}, 90_000)

test('a replica that hangs is waited for until the sentinels have given it up', async () => {
  const { group, target } = stage()
  await group.whole(40_000)
  await group.master()
  const [frozen] = group.replicas
  const load = { clients: { incr: 5, multi: 5 }, thinkMs: 10, prefix: 'hanging-' }
  const ledger = new Ledger({ port: target.port, ...load })
  try {
    await ledger.start()
    await ledger.progress(200)
    frozen?.signal('SIGSTOP')
    const { status, body } = await post(proxyOf(stage()), 'failover')
    frozen?.signal('SIGCONT')
    expect({ status, body }).toMatchObject({ status: 200 })
    expect(JSON.stringify(body)).not.toContain(`"to":"127.0.0.1:${frozen?.port ?? 0}"`)
    ledger.markSwitch()
    await ledger.progress(200)
    await expectLossless(stage(), ledger)
  } finally {
    frozen?.signal('SIGCONT')
    ledger.leave()
  }
}, 90_000)

async function proxyState(): Promise<string> {
  return JSON.stringify(await proxyOf(stage()).state())
}

async function uploads(): Promise<number> {
  return [...(await proxyState()).matchAll(/"upload":1/g)].length
}
