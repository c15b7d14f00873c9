import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'

import { conformanceStage } from '../../support/conformance.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode } from '../../support/resp.ts'
import { within } from '../../support/until.ts'

const stage = conformanceStage({ replicas: 0 })

const MAXIMUM = 512 * 1024 * 1024
const CHUNK = 1024 * 1024
/** What the product may hold of one value on its way through, over all its buffers. */
const MEMORY_CAP = 128 * 1024 * 1024

test('54. a value of 512 MB passes both ways without being held', async () => {
  const { target, master } = stage()
  const before = target.proxy?.residentBytes() ?? 0
  let peak = before
  const socket = connect({ port: target.port, host: '127.0.0.1' })
  const watch = (): void => {
    peak = Math.max(peak, target.proxy?.residentBytes() ?? 0)
  }
  try {
    const sent = await upload(socket, watch)
    expect(await master.command('STRLEN', 'big')).toBe(MAXIMUM)
    socket.write(encode('GET', 'big'))
    expect(await within(download(socket, watch), 60_000, 'the value')).toBe(sent)
  } finally {
    socket.destroy()
    await master.command('DEL', 'big')
  }
  expect(peak - before).toBeLessThan(MEMORY_CAP)
}, 120_000)

async function upload(socket: Socket, watch: () => void): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK)
  for (let n = 0; n < CHUNK; n += 1) chunk[n] = n % 251
  socket.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${MAXIMUM}\r\n`)
  for (let sent = 0; sent < MAXIMUM; sent += CHUNK) {
    hash.update(chunk)
    if (!socket.write(chunk)) await once(socket, 'drain')
    if (sent % (32 * CHUNK) === 0) watch()
  }
  socket.write('\r\n')
  const [reply] = (await within(once(socket, 'data'), 60_000, 'the answer to SET')) as [Buffer]
  expect(reply.toString()).toBe('+OK\r\n')
  return hash.digest('hex')
}

async function download(socket: Socket, watch: () => void): Promise<string> {
  const hash = createHash('sha256')
  const header = Buffer.from(`$${MAXIMUM}\r\n`)
  let at = 0
  for await (const data of socket.iterator({ destroyOnReturn: false })) {
    const piece = data as Buffer
    const from = Math.max(0, header.length - at)
    const until = Math.min(piece.length, header.length + MAXIMUM - at)
    if (until > from) hash.update(piece.subarray(from, until))
    at += piece.length
    if (at % (32 * CHUNK) < piece.length) watch()
    if (at >= header.length + MAXIMUM + 2) break
  }
  expect(at).toBe(header.length + MAXIMUM + 2)
  return hash.digest('hex')
}

test('54. a value above 512 MB is refused with the server’s words', async () => {
  const client = await RawClient.connect(stage().target.port)
  await client.send('*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$600000000\r\n')
  expect((await client.rest()).toString()).toBe('-ERR Protocol error: invalid bulk length\r\n')
  await client.destroy()
})

test('56. a client that does not read its large replies holds up nobody', async () => {
  const { target, master } = stage()
  await master.command('SET', 'large', Buffer.alloc(16 * CHUNK, 'x'))
  await master.command('SET', 'small', 'v')
  const before = target.proxy?.residentBytes() ?? 0
  const slow = await RawClient.connect(target.port)
  const others = await Promise.all(Array.from({ length: 16 }, () => RawClient.connect(target.port)))
  try {
    slow.socket.pause()
    await slow.send(Buffer.concat(Array<Buffer>(16).fill(encode('GET', 'large'))))
    const started = performance.now()
    for (let round = 0; round < 100; round += 1) {
      const replies = await Promise.all(others.map((client) => client.command('GET', 'small')))
      expect(replies.every((reply) => reply === 'v')).toBe(true)
    }
    expect(performance.now() - started).toBeLessThan(3_000)
    const grown = (target.proxy?.residentBytes() ?? 0) - before
    expect(grown).toBeLessThan(2 * MEMORY_CAP)
  } finally {
    await Promise.all([slow, ...others].map((client) => client.destroy()))
    await master.command('DEL', 'large')
  }
}, 60_000)

test('44. what the proxy answers by itself comes behind a message, never within it', async () => {
  const { target } = stage()
  const subscriber = await RawClient.connect(target.port)
  const publisher = await RawClient.connect(target.port)
  try {
    await subscriber.command('HELLO', 3)
    const id = await subscriber.command('CLIENT', 'ID')
    await subscriber.send(encode('SUBSCRIBE', 'c'))
    await subscriber.frames(1)
    for (const size of [1, 6 * CHUNK, 10, 3 * CHUNK]) {
      expect(await publisher.command('PUBLISH', 'c', Buffer.alloc(size, 'm'))).toBe(1)
      await subscriber.send(encode('CLIENT', 'ID'))
      const [message, reply] = await subscriber.frames(2)
      expect(message?.toString('latin1', 0, 20)).toBe('>3\r\n$7\r\nmessage\r\n$1\r')
      expect(message?.length).toBeGreaterThan(size)
      expect(String(reply)).toBe(`:${JSON.stringify(id)}\r\n`)
    }
  } finally {
    await Promise.all([subscriber, publisher].map((client) => client.destroy()))
  }
}, 30_000)
