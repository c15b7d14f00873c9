import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { Ledger } from '../support/ledger/ledger.ts'
import { failoverStage } from '../support/failover-suite.ts'
import { testRandom } from '../support/random.ts'
import { RawClient } from '../support/raw-client.ts'

const stage = failoverStage({ group: { replicas: 1, sentinels: 1, downAfterMs: 10_000 } })
const random = testRandom('garbage')

/** More memory than any of these may cost the proxy for good. */
const BOUND = 64 * 1024 * 1024

const TLS_HELLO = Buffer.from(
  '16030100c8010000c40303' +
    'ab'.repeat(32) +
    '20' +
    'cd'.repeat(32) +
    '0006130113021303010000750a0d0a',
  'hex',
)
const DEEP = '*1\r\n'.repeat(100_000)

const GARBAGE: readonly (readonly [string, () => Buffer | string])[] = [
  ['an HTTP request', () => 'GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['an HTTP request with a body', () => 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc'],
  ['a TLS hello', () => TLS_HELLO],
  ['a bulk of 4 GB', () => '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4294967296\r\nabc'],
  ['a bulk of 2^63', () => '*1\r\n$9223372036854775807\r\n'],
  ['an array of 2^31 elements', () => '*2147483648\r\n'],
  ['100,000 nested arrays', () => DEEP],
  ['a line of 1 MB without an end', () => 'x'.repeat(1024 * 1024)],
  ['RESP3 of the other direction', () => '%1\r\n+a\r\n+b\r\n>1\r\n+c\r\n'],
  ['zero bytes', () => Buffer.concat([Buffer.alloc(70_000)])],
]

let neighbours: Ledger
afterAll(() => neighbours.leave())

/** What a server that nobody stands in front of says to these bytes up to the end. */
async function verdict(port: number, bytes: Buffer | string): Promise<string> {
  const client = await RawClient.connect(port)
  try {
    await client.send(bytes)
    client.end()
    return (await client.rest(10_000)).toString('latin1')
  } finally {
    await client.destroy()
  }
}

describe('beside clients that behave', () => {
  beforeAll(async () => {
    const clients = { setGet: 5, incr: 5, pipeline: 5, multi: 2, list: 2, channel: 2 }
    neighbours = new Ledger({ port: stage().target.port, clients, random, thinkMs: 10 })
    await neighbours.start()
  })

  let resident = 0
  beforeEach(() => {
    resident = stage().target.proxy?.residentBytes() ?? 0
  })
  afterEach(async () => {
    await neighbours.progress(100)
    expect(neighbours.book.dropped).toEqual([])
    expect(neighbours.book.wrongOwner).toEqual([])
    expect(Object.fromEntries(neighbours.book.errors)).toEqual({})
    expect((stage().target.proxy?.residentBytes() ?? 0) - resident).toBeLessThan(BOUND)
  })

  test.each(GARBAGE)('%s is answered as the server answers it', async (_title, make) => {
    const bytes = make()
    const { group, target } = stage()
    const direct = await verdict(group.knownMaster.port, bytes)
    expect(await verdict(target.port, bytes)).toBe(direct)
  })

  test('random bytes are answered as the server answers them', async () => {
    const { group, target } = stage()
    for (let round = 0; round < 50; round += 1) {
      const bytes = random.bytes(random.between(1, 4_096))
      const direct = await verdict(group.knownMaster.port, bytes)
      expect(await verdict(target.port, bytes), `round ${round}`).toBe(direct)
    }
  }, 60_000)

  test('random bytes that begin like requests are answered as the server answers them', async () => {
    const { group, target } = stage()
    for (let round = 0; round < 50; round += 1) {
      const head =
        ['*1\r\n$', '*2\r\n$4\r\nECHO\r\n', '$', '*', 'PING ', '"'][random.between(0, 5)] ?? ''
      const bytes = Buffer.concat([
        Buffer.from(head),
        random.bytes(random.between(1, 64)),
        Buffer.from('\r\n'),
      ])
      const direct = await verdict(group.knownMaster.port, bytes)
      expect(await verdict(target.port, bytes), `round ${round}`).toBe(direct)
    }
  }, 60_000)

  test('100 connections that send half a request and stay', async () => {
    const port = stage().target.port
    const halves = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)))
    for (const half of halves) await half.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nhalf')
    await neighbours.progress(300)
    expect(halves.filter((half) => half.ended)).toEqual([])
    await Promise.all(halves.map((half) => half.destroy()))
  })
})

test('the neighbours’ book is clean at the end', async () => {
  await neighbours.drain()
  const report = await neighbours.audit(stage().group.knownMaster.port)
  expect(report).toMatchObject({
    inDoubt: 0,
    lost: [],
    duplicated: [],
    impossible: [],
    unanswered: [],
  })
})
