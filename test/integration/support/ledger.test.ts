import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startFakeRedis } from '../../support/fake-redis.ts'
import { startRelay } from '../../support/fault-relay.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { RawClient } from '../../support/raw-client.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import { startRedis } from '../../support/redis-server.ts'
import { Book } from '../../support/ledger/book.ts'
import { CounterAccount, QueueAccount, RegisterAccount } from '../../support/ledger/accounts.ts'
import { Ledger } from '../../support/ledger/ledger.ts'

watchLeaks()

describe('accounts', () => {
  test('a counter that falls back is a loss of the acknowledged ones', () => {
    const book = new Book()
    const account = new CounterAccount('a', 'k', book)
    for (const value of [1, 2, 3, 4]) account.acked(value)
    account.acked(3)
    expect(book.lost.map((write) => write.what)).toEqual(['k=3', 'k=4'])
    account.audit(2)
    expect(book.lost.map((write) => write.what)).toEqual(['k=3', 'k=4', 'k=3'])
    expect(book.duplicated).toEqual([])
  })

  test('a counter above what was acknowledged and in doubt is a duplicate', () => {
    const book = new Book()
    const account = new CounterAccount('a', 'k', book)
    account.acked(1)
    account.doubted()
    account.acked(3)
    account.doubted()
    account.audit(4)
    expect(book.duplicated).toEqual([])
    account.audit(5)
    expect(book.duplicated).toEqual(['k at 5'])
  })

  test('a register tells lost, foreign and impossible values apart', () => {
    const book = new Book()
    const account = new RegisterAccount('a', 'k', book)
    account.acked(1)
    account.acked(2)
    account.read('a:1')
    account.read('b:1')
    account.read('a:7')
    expect(book.lost.map((write) => write.what)).toEqual(['k=2'])
    expect(book.wrongOwner).toEqual(['a read b:1'])
    expect(book.impossible).toHaveLength(1)
  })

  test('a queue: twice within one master is a duplicate, over a switch a lost pop', () => {
    const book = new Book()
    const account = new QueueAccount('a', 'k', book)
    for (const n of [1, 2, 3]) {
      account.pushing(n)
      account.pushed(n)
    }
    account.popped('a:1')
    account.popped('a:1')
    expect(book.duplicated).toEqual(['k delivered 1 twice'])
    account.popped('a:2')
    book.marks.push(performance.now())
    account.popped('a:2')
    account.audit([])
    expect(book.lost.map((write) => write.what)).toEqual(['k pop 2', 'k push 3'])
  })
})

describe('with a real server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())
  const clients = { setGet: 3, incr: 3, pipeline: 3, multi: 3, lua: 3, list: 3, channel: 3 }

  test('an undisturbed load leaves a clean book', async () => {
    const ledger = new Ledger({ port: server.port, clients, thinkMs: 5, prefix: 'clean-' })
    await ledger.start()
    await ledger.progress(2_000)
    await ledger.drain()
    const report = await ledger.audit(server.port)
    expect(report).toMatchObject({
      inDoubt: 0,
      refused: 0,
      errors: {},
      dropped: [],
      unanswered: [],
      lost: [],
      duplicated: [],
      wrongOwner: [],
      torn: [],
      impossible: [],
      messages: { unheard: 0, lost: 0 },
      popsLost: 0,
    })
    expect(report.connections).toBe(27)
  })

  test('cut connections, deleted keys and foreign values are all found', async () => {
    const relay = await startRelay(server.port)
    const ledger = new Ledger({ port: relay.port, clients, thinkMs: 5, prefix: 'hurt-' })
    try {
      await ledger.start()
      await ledger.progress(500)
      relay.cutAll()
      await ledger.progress(500)
      await server.command('SET', 'ledger:{hurt-setGet0}:register', 'hurt-setGet1:1')
      await server.command('DEL', 'ledger:{hurt-incr0}:counter')
      await ledger.progress(500)
      await ledger.drain()
      await server.command('INCRBY', 'ledger:{hurt-lua0}:lua', 2)
      const report = await ledger.audit(server.port)
      expect(report.dropped).toHaveLength(27)
      expect(report.lost.some((write) => write.owner === 'hurt-incr0')).toBe(true)
      expect(report.duplicated).toHaveLength(2)
    } finally {
      ledger.leave()
      await relay.stop()
    }
  })

  test('a ghost that was answered by a server counts as executed', async () => {
    const ledger = new Ledger({ port: server.port, clients: {} })
    await ledger.ghostsCome(2)
    await ledger.ghostsLeave()
    const report = await ledger.audit(server.port)
    expect(report.executedAfterLeaving).toBe(2)
  })
})

test('a fake that answers with another client’s value is convicted', async () => {
  const fake = await startFakeRedis((request) =>
    request.name === 'GET' ? '$11\r\nsomebody:12\r\n' : undefined,
  )
  const ledger = new Ledger({ port: fake.port, clients: { setGet: 2 }, thinkMs: 5 })
  try {
    await ledger.start()
    await ledger.progress(20)
    await ledger.drain()
    expect(ledger.book.wrongOwner.length).toBeGreaterThan(2)
  } finally {
    ledger.leave()
    await fake.stop()
  }
})

test('the relay cuts at the byte it is told', async () => {
  const fake = await startFakeRedis()
  const relay = await startRelay(fake.port)
  relay.rule = { fault: { direction: 'down', byte: 10, action: 'cut' } }
  const client = await RawClient.connect(relay.port)
  await client.send('*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n')
  expect((await client.rest()).toString()).toBe('+PONG\r\n+PO')
  await client.destroy()
  await relay.stop()
  await fake.stop()
})
