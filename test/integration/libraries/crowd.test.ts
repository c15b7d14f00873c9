import { expect, test } from 'vitest'

import { noLeases } from '../../support/leases.ts'
import { libraryStage } from '../../support/library-stage.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode } from '../../support/resp.ts'
import type { Arg } from '../../support/resp.ts'

const stage = libraryStage()

type Greeting = (n: number) => readonly (readonly Arg[])[]

/** What libraries say in one packet when they connect. */
const GREETINGS: readonly Greeting[] = [
  (n) => [
    ['hello', '3'],
    ['client', 'setname', `ioredis-${n}`],
    ['client', 'SETINFO', 'LIB-VER', '6.0.0'],
    ['client', 'SETINFO', 'LIB-NAME', 'ioredis'],
    ['info'],
  ],
  (n) => [
    ['HELLO', '3', 'SETNAME', `node-redis-${n}`],
    ['SELECT', '1'],
    ['CLIENT', 'SETINFO', 'LIB-NAME', 'node-redis'],
    ['CLIENT', 'SETINFO', 'LIB-VER', '6.3.1'],
    ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'external-ip'],
  ],
  () => [['HELLO', '2'], ['CLIENT', 'SETINFO', 'LIB-NAME', 'redis-py'], ['SELECT', '2'], ['PING']],
  () => [['HELLO', '3'], ['READONLY'], ['SELECT', '1'], ['CLIENT', 'ID']],
  () => [
    ['CLIENT', 'SETNAME', 'jedis'],
    ['CONFIG', 'GET', 'timeout'],
    ['ECHO', 'who'],
  ],
  () => [['PING']],
]

/** Shared links of one worker: a few for each RESP version, and those that ask and greet. */
const HANDFUL = 30

async function links(): Promise<number> {
  return Number(await stage().group.knownMaster.info('clients', 'connected_clients'))
}

test('a thousand clients that connect as their libraries do cost the master a handful of links', async () => {
  const { target } = stage()
  const before = await links()
  const clients: RawClient[] = []
  try {
    while (clients.length < 1_000) {
      const batch = Array.from({ length: 50 }, () => RawClient.connect(target.port))
      clients.push(...(await Promise.all(batch)))
    }
    const talks = clients.map(async (client, n) => {
      const greeting = GREETINGS[n % GREETINGS.length]?.(n) ?? []
      const talk = [...greeting, ['SET', `crowd:${n}`, n], ['GET', `crowd:${n}`]]
      await client.send(Buffer.concat(talk.map((words) => encode(...words))))
      const replies = await client.frames(talk.length, 20_000)
      return replies.at(-1)?.toString() === `$${String(n).length}\r\n${n}\r\n`
    })
    expect((await Promise.all(talks)).filter((right) => !right)).toEqual([])
    expect((await links()) - before).toBeLessThanOrEqual(target.linksAllowed(1_000, HANDFUL))
    await noLeases(target.proxy)
  } finally {
    await Promise.all(clients.map((client) => client.destroy()))
  }
}, 60_000)

test('fifty clients, MULTI INCR a INCR b EXEC in one packet: a is b at every EXEC', async () => {
  const { target } = stage()
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => RawClient.connect(target.port)),
  )
  const run = Buffer.concat(
    [['MULTI'], ['INCR', 'a'], ['INCR', 'b'], ['EXEC']].map((words) => encode(...words)),
  )
  try {
    const talks = clients.map(async (client, n) => {
      for (let round = 0; round < 100; round += 1) {
        // Every fifth client takes its time within the transaction, and so needs a link of its own.
        await client.send(run, n % 5 === 0 ? 20 : undefined)
        const exec = (await client.frames(4, 20_000))[3]?.toString()
        expect(exec).toMatch(/^\*2\r\n(:\d+\r\n)\1$/)
      }
    })
    await Promise.all(talks)
    expect(await clients[0]?.command('GET', 'a')).toBe('5000')
    await noLeases(target.proxy)
  } finally {
    await Promise.all(clients.map((client) => client.destroy()))
  }
}, 60_000)
