import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { RESP_TYPES, createClient } from 'redis'
import type { RedisClientType } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { REPOSITORY } from '../support/build.ts'
import { run } from '../support/child.ts'
import { watchLeaks } from '../support/leaks.ts'
import { startSentinelGroup } from '../support/sentinel-group.ts'
import type { SentinelGroup } from '../support/sentinel-group.ts'
import { openTarget, showLogsOnFailure } from '../support/target.ts'
import type { Target } from '../support/target.ts'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_each, n) => n))
const LARGE = Buffer.alloc(64 * 1024 * 1024, EVERY_BYTE)
const NUMBERS = Array.from({ length: 10_000 }, (_each, n) => String(n))
const INCRBY = "return redis.call('INCRBY', KEYS[1], ARGV[1])"

let group: SentinelGroup
let target: Target | undefined
let port = 0

watchLeaks()
showLogsOnFailure(() => target)
beforeAll(async () => {
  group = await startSentinelGroup({ replicas: 1, sentinels: 1, downAfterMs: 10_000 })
  target = await openTarget(group)
  port = target.port
}, 60_000)
afterAll(async () => {
  await target?.stop()
  await group.stop()
}, 30_000)

describe('redis-cli', () => {
  const cli = async (...args: readonly string[]): Promise<string> => {
    const said = await run('redis-cli', ['-p', String(port), ...args], { within: 10_000 })
    expect(said.code).toBe(0)
    return said.output
  }

  test('strings, several keys, Lua, an error, RESP3', async () => {
    expect(await cli('SET', 'cli:k', 'a b')).toBe('OK\n')
    expect(await cli('GET', 'cli:k')).toBe('a b\n')
    expect(await cli('MSET', 'cli:a', '1', 'cli:b', '2')).toBe('OK\n')
    expect(await cli('MGET', 'cli:a', 'cli:b')).toBe('1\n2\n')
    expect(await cli('DEL', 'cli:a', 'cli:b')).toBe('2\n')
    expect(await cli('EVAL', INCRBY, '1', 'cli:n', '5')).toBe('5\n')
    expect(await cli('INCR', 'cli:k')).toContain('not an integer')
    expect(await cli('-3', 'HELLO')).toContain('redis')
    expect(await cli('-n', '3', 'DBSIZE')).toBe('0\n')
    expect(await cli('BLPOP', 'cli:q', '0.1')).toBe('\n')
  })

  test('a benchmark with pipelines ends without an error', async () => {
    const args = [
      '-p',
      String(port),
      '-n',
      '20000',
      '-c',
      '20',
      '-P',
      '16',
      '-q',
      '-t',
      'set,get,incr',
    ]
    const said = await run('redis-benchmark', args, { within: 30_000 })
    expect(said.code).toBe(0)
    expect(said.output).not.toMatch(/error/i)
  }, 40_000)
})

describe('ioredis', () => {
  let client: Redis
  beforeEach(() => {
    client = new Redis({ port, retryStrategy: null, autoResendUnfulfilledCommands: false })
    client.on('error', () => undefined)
  })
  afterEach(() => client.disconnect())

  test('strings, several keys, binary', async () => {
    expect(await client.set('io:k', 'v')).toBe('OK')
    expect(await client.mset('io:a', '1', 'io:b', '2')).toBe('OK')
    expect(await client.mget('io:a', 'io:none', 'io:b')).toEqual(['1', null, '2'])
    expect(await client.del('io:a', 'io:b', 'io:none')).toBe(2)
    expect(await client.set(EVERY_BYTE, EVERY_BYTE)).toBe('OK')
    expect(await client.getBuffer(EVERY_BYTE)).toEqual(EVERY_BYTE)
  })

  test('MULTI, WATCH and Lua', async () => {
    const done = await client.multi().set('io:t', '1').incr('io:t').get('io:t').exec()
    expect(done?.map(([, reply]) => reply)).toEqual(['OK', 2, '2'])
    await client.watch('io:t')
    const other = client.duplicate()
    await other.set('io:t', 'other')
    expect(await client.multi().set('io:t', 'mine').exec()).toBeNull()
    other.disconnect()
    expect(await client.eval(INCRBY, 1, 'io:n', 5)).toBe(5)
    await expect(client.incr('io:t')).rejects.toThrow('not an integer')
  })

  test('BLPOP and SUBSCRIBE', async () => {
    const other = client.duplicate()
    const popped = client.blpop('io:q', 5)
    await other.rpush('io:q', 'x')
    expect(await popped).toEqual(['io:q', 'x'])
    const heard = new Promise((resolve) => client.on('message', (...args) => resolve(args)))
    expect(await client.subscribe('io:c')).toBe(1)
    expect(await other.publish('io:c', 'm')).toBe(1)
    expect(await heard).toEqual(['io:c', 'm'])
    await client.unsubscribe()
    expect(await client.get('io:none')).toBeNull()
    other.disconnect()
  })

  test('a pipeline of 10,000', async () => {
    const pipeline = client.pipeline()
    for (const number of NUMBERS) pipeline.echo(number)
    expect((await pipeline.exec())?.map(([, reply]) => reply)).toEqual(NUMBERS)
  })

  test('a value of 64 MB both ways', async () => {
    expect(await client.set('io:large', LARGE)).toBe('OK')
    expect((await client.getBuffer('io:large'))?.equals(LARGE)).toBe(true)
    await client.del('io:large')
  }, 30_000)
})

describe.each([2, 3] as const)('node-redis with RESP%i', (RESP) => {
  let client: RedisClientType<
    Record<string, never>,
    Record<string, never>,
    Record<string, never>,
    2 | 3
  >
  beforeEach(async () => {
    client = createClient({ RESP, socket: { port, reconnectStrategy: false } })
    client.on('error', () => undefined)
    await client.connect()
  })
  afterEach(() => client.destroy())

  test('strings, several keys, hashes', async () => {
    expect(await client.set('nr:k', 'v')).toBe('OK')
    expect(await client.mSet({ 'nr:a': '1', 'nr:b': '2' })).toBe('OK')
    expect(await client.mGet(['nr:a', 'nr:none', 'nr:b'])).toEqual(['1', null, '2'])
    expect(await client.del(['nr:a', 'nr:b', 'nr:none'])).toBe(2)
    await client.hSet('nr:h', { f: 'v' })
    expect({ ...(await client.hGetAll('nr:h')) }).toEqual({ f: 'v' })
    expect(await client.sendCommand(['SET', EVERY_BYTE.toString('latin1'), 'x'])).toBe('OK')
  })

  test('MULTI and Lua', async () => {
    expect(await client.multi().set('nr:t', '1').incr('nr:t').get('nr:t').exec()).toEqual([
      'OK',
      2,
      '2',
    ])
    await client.del('nr:n')
    expect(await client.eval(INCRBY, { keys: ['nr:n'], arguments: ['5'] })).toBe(5)
    await expect(client.incr('nr:k')).rejects.toThrow('not an integer')
  })

  test('BLPOP and SUBSCRIBE', async () => {
    const other = client.duplicate()
    other.on('error', () => undefined)
    await other.connect()
    const popped = client.blPop('nr:q', 5)
    await other.rPush('nr:q', 'x')
    expect({ ...(await popped) }).toEqual({ key: 'nr:q', element: 'x' })
    let hear: (message: string) => void = () => undefined
    const heard = new Promise<string>((resolve) => (hear = resolve))
    await client.subscribe('nr:c', (message) => hear(message))
    expect(await other.publish('nr:c', 'm')).toBe(1)
    expect(await heard).toBe('m')
    await client.unsubscribe('nr:c')
    expect(await client.get('nr:none')).toBeNull()
    other.destroy()
  })

  test('10,000 commands at once', async () => {
    expect(await Promise.all(NUMBERS.map((number) => client.echo(number)))).toEqual(NUMBERS)
  })

  test('a value of 64 MB both ways', async () => {
    expect(await client.set('nr:large', LARGE)).toBe('OK')
    const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    const value: unknown = await binary.get('nr:large')
    expect(Buffer.isBuffer(value) && value.equals(LARGE)).toBe(true)
    await client.del('nr:large')
  }, 30_000)
})

test('redis-py does everything', async () => {
  const script = join(REPOSITORY, 'test/support/libraries/redis_py.py')
  // The distribution's interpreter is the one with python3-redis, whatever else is on the PATH.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
  const said = await run(python, [script, String(port)], { within: 60_000 })
  expect(said.output).toContain('["strings", "transactions", "scripts", "blocking"')
  expect(said.code).toBe(0)
}, 70_000)
