import { BasicClientSideCache, createClient, createClientPool } from 'redis'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { noLeases } from '../../support/leases.ts'
import { libraryStage } from '../../support/library-stage.ts'
import { until } from '../../support/until.ts'

const stage = libraryStage()

let closing: (() => void)[] = []

beforeEach(() => (closing = []))
afterEach(() => {
  for (const close of closing) close()
})

async function connect(clientSideCache?: BasicClientSideCache) {
  const cache = clientSideCache === undefined ? {} : { clientSideCache }
  const socket = { port: stage().target.port, reconnectStrategy: false } as const
  const client = createClient({ RESP: 3, ...cache, socket })
  client.on('error', () => undefined)
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

test('RESP3: maps, doubles and nulls of a client that shares its link', async () => {
  const client = await connect()
  await client.hSet('h', { a: '1', b: '2' })
  await client.zAdd('z', [{ score: 1.5, value: 'm' }])
  expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: '2' })
  expect(await client.zScore('z', 'm')).toBe(1.5)
  expect(await client.get('missing')).toBeNull()
  await noLeases(stage().target.proxy)
})

test('client-side caching: a write of another client takes the value out of the cache', async () => {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' })
  const client = await connect(cache)
  const other = await connect()
  await other.set('cached', '1')
  expect(await client.get('cached')).toBe('1')
  expect(await client.get('cached')).toBe('1')
  expect(cache.stats().hitCount).toBe(1)
  await other.set('cached', '2')
  const fresh = async (): Promise<boolean> => (await client.get('cached')) === '2'
  await until(fresh, { within: 5_000, what: 'the new value to be read' })
})

test('a pool: WATCH on a client of its own, blocking calls beside others', async () => {
  const pool = createClientPool(
    { RESP: 3, socket: { port: stage().target.port } },
    { minimum: 2, maximum: 5 },
  )
  pool.on('error', () => undefined)
  await pool.connect()
  closing.push(() => pool.destroy())
  await pool.set('n', '1')
  const done = pool.execute(async (client) => {
    await client.watch('n')
    await pool.set('n', '5')
    return client.multi().incr('n').exec()
  })
  await expect(done).rejects.toThrow('watched keys has been changed')
  const popped = pool.blPop('queue', 5)
  await pool.rPush('queue', 'x')
  expect({ ...(await popped) }).toEqual({ key: 'queue', element: 'x' })
  expect(await Promise.all(Array.from({ length: 100 }, () => pool.incr('n')))).toContain(105)
  await noLeases(stage().target.proxy)
})

test('channels, patterns and shard channels', async () => {
  const publisher = await connect()
  const subscriber = publisher.duplicate()
  subscriber.on('error', () => undefined)
  await subscriber.connect()
  closing.push(() => subscriber.destroy())
  const heard: string[] = []
  const hear = (message: string, channel: string): number => heard.push(`${channel}=${message}`)
  await subscriber.subscribe(['one', 'two'], hear)
  await subscriber.pSubscribe('o*', hear)
  await subscriber.sSubscribe('shard', hear)
  expect(await publisher.publish('one', 'a')).toBe(2)
  expect(await publisher.sPublish('shard', 'b')).toBe(1)
  expect(await subscriber.set('in RESP3', 'allowed')).toBe('OK')
  await until(() => heard.length === 3, { within: 5_000, what: 'three messages' })
  expect(heard.sort()).toEqual(['one=a', 'one=a', 'shard=b'])
  await subscriber.unsubscribe()
  await subscriber.pUnsubscribe()
  await subscriber.sUnsubscribe('shard')
  expect(await subscriber.get('in RESP3')).toBe('allowed')
  await noLeases(stage().target.proxy)
})

test('a thousand transactions of fifty clients never come apart', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect()))
  const talks = clients.map(async (client) => {
    for (let n = 0; n < 20; n += 1) {
      const [a, b] = await client.multi().incr('a').incr('b').exec()
      expect(a).toBe(b)
    }
  })
  await Promise.all(talks)
  expect(await clients[0]?.get('a')).toBe('1000')
  await noLeases(stage().target.proxy)
})
