import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import { createAdapter } from '@socket.io/redis-adapter'
import session from 'express-session'
import { Redis } from 'ioredis'
import Redlock from 'redlock'
import { createClient } from 'redis'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { noLeases } from '../../support/leases.ts'
import { libraryStage } from '../../support/library-stage.ts'
import { until } from '../../support/until.ts'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

const stage = libraryStage()

let closing: (() => unknown)[] = []

beforeEach(() => (closing = []))
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

async function nodeRedis() {
  const client = createClient({ socket: { port: stage().target.port, reconnectStrategy: false } })
  client.on('error', () => undefined)
  await client.connect()
  closing.push(() => client.close())
  return client
}

async function listen(server: HttpServer): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

test('sessions of a web server: kept, counted, ended', async () => {
  const client = await nodeRedis()
  const store = new RedisStore({ client, prefix: 'session:', ttl: 600 })
  const keep = session({ store, secret: 'not told', resave: false, saveUninitialized: false })
  const visit = createServer((request, response) => {
    const req = Object.assign(request, { originalUrl: request.url }) as Parameters<typeof keep>[0]
    keep(req, response as Parameters<typeof keep>[1], () => {
      if (request.url === '/leave') {
        req.session.destroy(() => response.end('left'))
        return
      }
      req.session.visits = (req.session.visits ?? 0) + 1
      response.end(String(req.session.visits))
    })
  })
  const url = await listen(visit)
  const ask = (path: string, cookie = ''): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { cookie, connection: 'close' } })
  const first = await ask('/')
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect(await first.text()).toBe('1')
  expect(await (await ask('/', cookie)).text()).toBe('2')
  expect(await (await ask('/')).text()).toBe('1')
  expect(await client.keys('session:*')).toHaveLength(2)
  expect(await (await ask('/leave', cookie)).text()).toBe('left')
  expect(await (await ask('/', cookie)).text()).toBe('1')
  await noLeases(stage().target.proxy)
})

async function chat(): Promise<{ readonly server: Server; connect(): Promise<Socket> }> {
  const [publisher, subscriber] = [await nodeRedis(), await nodeRedis()]
  const http = createServer()
  const server = new Server(http, { adapter: createAdapter(publisher, subscriber) })
  const url = await listen(http)
  closing.push(() => server.close())
  server.on('connection', (socket) => {
    socket.on('join', (room: string, joined: () => void) => {
      void socket.join(room)
      joined()
    })
  })
  const connect = async (): Promise<Socket> => {
    const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false })
    closing.push(() => socket.disconnect())
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return socket
  }
  return { server, connect }
}

test('two socket.io servers are one: rooms, broadcasts, questions to all', async () => {
  const [one, two] = [await chat(), await chat()]
  const [anna, bert] = [await one.connect(), await two.connect()]
  const heard: string[] = []
  anna.on('news', (text: string) => heard.push(`anna ${text}`))
  bert.on('news', (text: string) => heard.push(`bert ${text}`))
  await bert.emitWithAck('join', 'room')
  const together = async (): Promise<boolean> => (await one.server.fetchSockets()).length === 2
  await until(together, { within: 10_000, every: 100, what: 'the two servers to know each other' })
  one.server.emit('news', 'for all')
  one.server.to('room').emit('news', 'for the room')
  await until(() => heard.length === 3, { within: 5_000, what: 'three messages' })
  expect(heard.sort()).toEqual(['anna for all', 'bert for all', 'bert for the room'])
  expect((await two.server.in('room').fetchSockets()).map(({ id }) => id)).toEqual([bert.id])
}, 30_000)

/** The list of arguments that redlock gives to EVAL is taken by ioredis, though not by its types. */
function compatible(client: unknown): Redlock.CompatibleRedisClient {
  return client as Redlock.CompatibleRedisClient
}

test('redlock: one holder at a time, extended, released', async () => {
  const clients = [1, 2].map(() => new Redis({ port: stage().target.port, retryStrategy: null }))
  for (const client of clients) closing.push(() => client.disconnect())
  const [mine, other] = clients.map(
    (client) => new Redlock([compatible(client)], { retryCount: 0 }),
  )
  if (mine === undefined || other === undefined) throw new Error('two')
  const lock = await mine.lock('locks:one', 60_000)
  await expect(other.lock('locks:one', 60_000)).rejects.toThrow()
  const longer = await lock.extend(120_000)
  expect(await clients[1]?.pttl('locks:one')).toBeGreaterThan(60_000)
  await longer.unlock()
  const theirs = await other.lock('locks:one', 60_000)
  await expect(longer.unlock()).rejects.toThrow()
  await theirs.unlock()
  await noLeases(stage().target.proxy)
})
