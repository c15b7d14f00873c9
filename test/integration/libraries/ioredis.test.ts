import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { noLeases } from '../../support/leases.ts'
import { libraryStage } from '../../support/library-stage.ts'
import { until } from '../../support/until.ts'

const stage = libraryStage()

const INCREASE = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('GET', KEYS[1])}"

let clients: Redis[] = []

beforeEach(() => (clients = []))
afterEach(() => {
  for (const client of clients) client.disconnect()
})

function connect(
  options: { readonly enableAutoPipelining?: boolean; readonly db?: number } = {},
): Redis {
  const client = new Redis({ ...options, port: stage().target.port, retryStrategy: null })
  return owned(client)
}

function owned(client: Redis): Redis {
  clients.push(client)
  client.on('error', () => undefined)
  return client
}

function replies(results: [Error | null, unknown][] | null): unknown[] {
  return (results ?? []).map(([error, reply]) => error?.message ?? reply)
}

test('pipelines: replies in order, errors at their place', async () => {
  const client = connect()
  const pipeline = client.pipeline().set('k', 'a').incr('k').get('k').lpush('k', 'x').echo('end')
  const [set, incr, get, lpush, echo] = replies(await pipeline.exec())
  expect([set, get, echo]).toEqual(['OK', 'a', 'end'])
  expect(String(incr)).toContain('not an integer')
  expect(String(lpush)).toContain('WRONGTYPE')
  await noLeases(stage().target.proxy)
})

test('MULTI as one packet, with a pipeline turned off, and with WATCH', async () => {
  const client = connect()
  expect(replies(await client.multi().set('n', 1).incr('n').exec())).toEqual(['OK', 2])
  await noLeases(stage().target.proxy)
  await client.multi({ pipeline: false })
  await client.incr('n')
  await client.get('n')
  expect(replies(await client.exec())).toEqual([3, '3'])
  await client.watch('n')
  await connect().set('n', 'other')
  expect(await client.multi().set('n', 'mine').exec()).toBeNull()
  expect(await client.get('n')).toBe('other')
  await noLeases(stage().target.proxy)
})

test('scripts by defineCommand: loaded once, found again after SCRIPT FLUSH', async () => {
  const client = connect()
  client.defineCommand('increase', { numberOfKeys: 1, lua: INCREASE })
  const increase: unknown = Reflect.get(client, 'increase')
  if (typeof increase !== 'function') throw new Error('defineCommand defined nothing')
  const run = (by: number): Promise<unknown> =>
    Promise.resolve(Reflect.apply(increase, client, ['lua', by]))
  expect(await run(2)).toEqual([2, '2'])
  expect(await run(3)).toEqual([5, '5'])
  await client.script('FLUSH')
  expect(await run(4)).toEqual([9, '9'])
  await noLeases(stage().target.proxy)
})

test('auto-pipelining: a thousand calls of one turn', async () => {
  const client = connect({ enableAutoPipelining: true })
  const numbers = Array.from({ length: 1_000 }, (_each, n) => String(n))
  await Promise.all(numbers.map((n) => client.set(`auto:${n}`, n)))
  expect(await Promise.all(numbers.map((n) => client.get(`auto:${n}`)))).toEqual(numbers)
  await noLeases(stage().target.proxy)
})

test('a duplicate subscribes to channels and patterns while the first publishes', async () => {
  const client = connect({ db: 2 })
  const subscriber = owned(client.duplicate())
  const heard: string[] = []
  subscriber.on('message', (channel, message) => heard.push(`${channel}=${message}`))
  subscriber.on('pmessage', (pattern, _channel, message) => heard.push(`${pattern}=${message}`))
  expect(await subscriber.subscribe('one', 'two')).toBe(2)
  expect(await subscriber.psubscribe('t*')).toBe(3)
  expect(await client.publish('one', 'a')).toBe(1)
  expect(await client.publish('two', 'b')).toBe(2)
  await until(() => heard.length === 3, { within: 5_000, what: 'three messages' })
  expect(heard.sort()).toEqual(['one=a', 't*=b', 'two=b'])
  await subscriber.unsubscribe('one', 'two')
  await subscriber.punsubscribe('t*')
  expect(await subscriber.set('after', '1')).toBe('OK')
  expect(await client.get('after')).toBe('1')
  await noLeases(stage().target.proxy)
})

test('MONITOR sees what other clients say', async () => {
  const client = connect()
  // ioredis loses its way when a line comes in one read with the OK: no link is greeted meanwhile
  await client.ping()
  const monitor = owned(await client.monitor())
  const seen: string[] = []
  monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')))
  await client.set('watched', '1')
  await until(() => seen.includes('set watched 1'), { within: 5_000, what: 'the SET to be seen' })
})

test('blocking calls, several at once, wake in the order of their coming', async () => {
  const [first, second, pusher] = [connect(), connect(), connect()]
  const one = first.blpop('queue', 5)
  const master = stage().group.knownMaster
  const blocked = async (count: number): Promise<void> => {
    const enough = async (): Promise<boolean> =>
      (await master.info('clients', 'blocked_clients')) === String(count)
    await until(enough, { within: 5_000, what: `${count} blocked clients` })
  }
  await blocked(1)
  const two = second.blpop('queue', 5)
  await blocked(2)
  await pusher.rpush('queue', 'a', 'b')
  expect(await Promise.all([one, two])).toEqual([
    ['queue', 'a'],
    ['queue', 'b'],
  ])
  await noLeases(stage().target.proxy)
})
