import { describe, expect, test } from 'vitest'

import { ADMIN_TOKEN, post } from '../support/admin-client.ts'
import { failoverStage } from '../support/failover-suite.ts'
import { Ledger } from '../support/ledger/ledger.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode } from '../support/resp.ts'
import type { Reply } from '../support/resp.ts'
import { askAll, fieldsOf } from '../support/sentinel-group.ts'
import { expectLossless, proxyOf } from '../support/switchover-suite.ts'
import { until } from '../support/until.ts'

// The sentinels take 5 s to find that a node is down: until then it is a replica like any other.
const stage = failoverStage({
  workers: 1,
  group: { downAfterMs: 5_000 },
  args: ['--admin-token', ADMIN_TOKEN],
})

function load(): Ledger {
  const clients = { setGet: 5, incr: 5, multi: 3, list: 2, channel: 2 }
  return new Ledger({ port: stage().target.port, clients, thinkMs: 10 })
}

/** The sentinels read the priority with INFO, every ten seconds. */
async function prioritize(priority: string): Promise<void> {
  const { group } = stage()
  for (const replica of group.replicas) {
    await replica.command('CONFIG', 'SET', 'replica-priority', priority)
  }
  const seen = async (): Promise<boolean> => {
    const lists = await askAll(group.sentinels, 'SENTINEL', 'REPLICAS', group.name)
    const priorities = lists.flatMap((list) =>
      Array.isArray(list) ? list.map((each: Reply) => fieldsOf(each).get('slave-priority')) : [],
    )
    return priorities.length === 6 && priorities.every((each) => each === priority)
  }
  await until(seen, { within: 25_000, what: 'the sentinels to know the priorities' })
}

async function gateIs(name: string): Promise<void> {
  const open = async (): Promise<boolean> =>
    JSON.stringify(await proxyOf(stage()).state()).includes(`"gate":{"name":"${name}"`)
  await until(open, { within: 5_000, what: `the gate to be ${name}` })
}

describe('a planned switchover that cannot be done', () => {
  test('gives up at its deadline while a replica is frozen; clients go on and nothing is lost', async () => {
    const { group } = stage()
    const ledger = load()
    const before = await group.master()
    const [frozen] = group.replicas
    try {
      await ledger.start()
      await ledger.progress(500)
      frozen?.signal('SIGSTOP')
      const answer = await post(proxyOf(stage()), 'failover', { timeout: '1s' })
      frozen?.signal('SIGCONT')
      expect(answer.status).toBe(409)
      expect(answer.body['message']).toMatch(/^not done within 1000 ms/)
      expect(answer.body['message']).toContain(String(frozen?.port))
      await ledger.progress(500)
      await gateIs('open')
      expect(await group.currentMasterPort()).toBe(before.port)
      await expectLossless(stage(), ledger)
      expect(ledger.book.longest.ms).toBeLessThan(1_900)
    } finally {
      frozen?.signal('SIGCONT')
      ledger.leave()
    }
  })

  test('gives up while a data plane does not answer', async () => {
    const { group } = stage()
    await group.whole()
    const before = await group.master()
    const proxy = proxyOf(stage())
    proxy.signal('proxyd', 'SIGSTOP')
    try {
      const answer = await post(proxy, 'failover', { timeout: '800ms' })
      expect(answer.status).toBe(409)
      expect(answer.body['message']).toContain('has not said that it holds')
    } finally {
      proxy.signal('proxyd', 'SIGCONT')
    }
    await gateIs('open')
    expect(await group.currentMasterPort()).toBe(before.port)
  })

  test('gives up while a command runs for longer, and that one is answered', async () => {
    const { target } = stage()
    const client = await RawClient.connect(target.port)
    try {
      const loop =
        'local t = redis.call("TIME") repeat local n = redis.call("TIME") until n[1] - t[1] > 1 return 7'
      await client.send(encode('EVAL', loop, 0))
      const answer = await post(proxyOf(stage()), 'failover', { timeout: '500ms' })
      expect(answer.status).toBe(409)
      expect(answer.body['message']).toContain('1 commands on the wire')
      const [reply] = await client.frames(1)
      expect(reply?.toString()).toBe(':7\r\n')
    } finally {
      await client.destroy()
    }
  })

  test('is refused before anybody is held when no replica is fit', async () => {
    const { group } = stage()
    await group.whole()
    await prioritize('0')
    const answer = await post(proxyOf(stage()), 'failover')
    await prioritize('100')
    expect(answer.body['message']).toContain('knows no replica fit to be promoted')
  })
})

describe('hold and release', () => {
  test('keep commands back and let them go, in order; a subscriber keeps its connection', async () => {
    const { target } = stage()
    const client = await RawClient.connect(target.port)
    try {
      expect(await client.command('SET', 'held', '1')).toBe('OK')
      const { status, body } = await post(proxyOf(stage()), 'hold', { ttl: '20s' })
      expect(status).toBe(200)
      expect(JSON.stringify(body)).toContain('"atRest":true,"inFlight":0')
      await client.send(Buffer.concat([encode('INCR', 'held'), encode('GET', 'held')]))
      await gateIs('holding')
      expect(client.waiting).toBe(0)
      const released = await post(proxyOf(stage()), 'release')
      expect(JSON.stringify(released.body)).toContain('"released":1')
      const replies = await client.frames(2)
      expect(replies.map(String)).toEqual([':2\r\n', '$1\r\n2\r\n'])
    } finally {
      await client.destroy()
    }
  })

  test('a hold ends by itself', async () => {
    const { target } = stage()
    const client = await RawClient.connect(target.port)
    try {
      await post(proxyOf(stage()), 'hold', { ttl: '300ms' })
      expect(await client.command('PING')).toBe('PONG')
    } finally {
      await client.destroy()
    }
  })

  test('a hold outlives a worker: the next one begins with a shut gate', async () => {
    const proxy = proxyOf(stage())
    await post(proxy, 'hold', { ttl: '30s' })
    await proxy.kill('proxyd')
    const held = async (): Promise<boolean> =>
      JSON.stringify(await proxy.state()).includes('"holds":["-')
    await until(held, { within: 10_000, what: 'the new worker to hold' })
    await gateIs('holding')
    await post(proxy, 'release')
    await gateIs('open')
  })

  test('a hold outlives the monitor, and is released by the next one', async () => {
    const proxy = proxyOf(stage())
    await post(proxy, 'hold', { ttl: '60s' })
    await proxy.kill('monitor')
    await gateIs('holding')
    const released = async (): Promise<boolean> => {
      const { body } = await post(proxy, 'release')
      return JSON.stringify(body).includes('"released":1')
    }
    await until(released, { within: 15_000, what: 'the next monitor to hear of the hold' })
    await gateIs('open')
  })

  test('a body that makes no sense is refused with what is allowed', async () => {
    const proxy = proxyOf(stage())
    expect(await post(proxy, 'hold', { ttl: 'soon' })).toMatchObject({ status: 409 })
    const wrong = await post(proxy, 'failover', { group: 'other' })
    expect(wrong.status).toBe(409)
    expect(wrong.body['message']).toContain('mymaster')
  })
})
