import { describe, expect, test } from 'vitest'

import { encodeRequest } from '../../../src/protocol/request.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, queued, seen, wire } from './session-kit.ts'
import type { Client, Kit, KitOptions } from './session-kit.ts'

watchLeaks()

const refused = '-EXECABORT Transaction discarded because of: READONLY You cannot write.\r\n'

async function watching(options: KitOptions = {}): Promise<{ on: Kit; client: Client }> {
  const on = await kit(options)
  const client = await on.client()
  client.send('WATCH k')
  const lease = await on.lease()
  lease.answer('+OK\r\n')
  await client.hears('+OK\r\n')
  return { on, client }
}

async function switched(on: Kit): Promise<void> {
  on.lose()
  await on.recover()
}

describe('EXEC behind WATCH does not run where nothing is watched', () => {
  /** The next master has the transaction queued again; nothing of it may run. */
  async function expectDiscarded(on: Kit, client: Client, ...body: string[]): Promise<void> {
    const lease = await on.lease(body.length + 2)
    expect(wire(lease)).toEqual(['MULTI', ...body, 'DISCARD'])
    lease.answer('+OK\r\n')
    for (let n = 0; n < body.length; n += 1) lease.answer('+QUEUED\r\n')
    lease.answer('+OK\r\n')
    await client.hears('*-1\r\n')
    expect(client.session.pin.held).toBe(false)
  }

  test('it waited at the gate', async () => {
    const { on, client } = await watching()
    await queued(on, client, 'SET a 1')
    on.gate.hold('failover')
    client.send('EXEC')
    await seen(() => on.gate.queue.count === 1)
    await switched(on)
    await expectDiscarded(on, client, 'SET a 1')
  })

  test('it was refused by a replica', async () => {
    const { on, client } = await watching()
    const lease = await queued(on, client, 'SET a 1')
    client.send('EXEC')
    await on.lease()
    lease.answer(refused)
    await on.recover()
    await expectDiscarded(on, client, 'SET a 1')
  })

  test('and DISCARD is lost as well', async () => {
    const { on, client } = await watching()
    await queued(on, client, 'SET a 1')
    on.gate.hold('failover')
    client.send('EXEC')
    await seen(() => on.gate.queue.count === 1)
    await switched(on)
    await on.lease(3)
    await switched(on)
    await expectDiscarded(on, client, 'SET a 1')
  })

  test('the link was lost while EXEC waited for what came before it', async () => {
    const { on, client } = await watching()
    await queued(on, client, 'SET a 1')
    client.send('SET b 2', 'EXEC')
    await on.lease()
    await switched(on)
    const lease = await on.lease(3)
    for (const reply of ['+OK\r\n', '+QUEUED\r\n', '+QUEUED\r\n']) lease.answer(reply)
    await client.hears('+QUEUED\r\n*-1\r\n')
    expect([wire(lease), lease.closed]).toEqual([[], true])
  })
})

test('a transaction that is too large to be queued again is not run in part', async () => {
  const on = await kit({ limits: { transactionBytes: 10 } })
  const client = await on.client()
  await queued(on, client, 'SET a 1')
  on.gate.hold('failover')
  client.send('EXEC')
  await seen(() => on.gate.queue.count === 1)
  await switched(on)
  const lease = await on.lease(2)
  expect(wire(lease)).toEqual(['MULTI', 'DISCARD'])
  for (const reply of ['+OK\r\n', '+OK\r\n']) lease.answer(reply)
  await client.hears('-EXECABORT Transaction discarded because of previous errors.\r\n')
})

describe('a link on which a transaction stayed open is nobody’s', () => {
  test('EXEC finds no room at the gate', async () => {
    const on = await kit({ gate: { maxCommands: 1 } })
    const [client, other] = [await on.client(), await on.client()]
    const lease = await queued(on, client, 'SET a 1')
    on.gate.hold('link-lost')
    other.send('SET z 1')
    await seen(() => on.gate.queue.count === 1)
    client.send('EXEC')
    await seen(() => client.heard.startsWith('-TRYAGAIN'))
    expect([lease.released, client.session.pin.held]).toEqual(['dirty', false])
  })

  test('EXEC waits in vain, and the client keeps a link for another reason', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('CLIENT NO-EVICT ON')
    const first = await on.lease()
    first.answer('+OK\r\n')
    await client.hears('+OK\r\n')
    await queued(on, client, 'SET a 1')
    on.gate.hold('link-lost')
    client.send('EXEC')
    await seen(() => on.gate.queue.count === 1)
    on.clock.advance(1_001)
    await seen(() => client.heard.startsWith('-MASTERDOWN'))
    expect(first.released).toBe('dirty')
    on.gate.admit(on.current)
    await on.clock.pass(100)
    const lease = await on.lease()
    expect([lease === first, wire(lease)]).toEqual([false, ['CLIENT no-evict ON']])
  })

  test('a whole transaction behind WATCH waits in vain', async () => {
    const { on, client } = await watching()
    const [lease] = on.current.leases
    on.gate.hold('link-lost')
    client.send('MULTI', 'SET k 1', 'EXEC')
    await seen(() => on.gate.queue.count === 1)
    on.clock.advance(1_001)
    await seen(() => client.heard.split('-MASTERDOWN').length === 4)
    expect([lease?.released, client.session.pin.held]).toEqual(['dirty', false])
  })
})

test('a command that was refused in a transaction is not taken for one that was queued', async () => {
  const on = await kit()
  const client = await on.client()
  const lease = await queued(on, client)
  client.send('MULTI')
  await on.lease()
  lease.answer('-ERR MULTI calls can not be nested\r\n')
  await client.hears('-ERR MULTI calls can not be nested\r\n')
  client.send('INCR n')
  await on.lease()
  await switched(on)
  const next = await on.lease(2)
  await turns(5)
  expect(wire(next)).toEqual(['MULTI', 'INCR n'])
})

test('what a name that hides another leaves on the link of a transaction is nobody’s', async () => {
  const on = await kit()
  const client = await on.client()
  const lease = await queued(on, client, 'select\0 5')
  client.send('EXEC')
  await on.lease()
  lease.answer('*1\r\n+OK\r\n')
  await client.hears('*1\r\n+OK\r\n')
  expect(lease.released).toBe('dirty')
})

test('what may wait, in a whole transaction, goes over a link of its own', async () => {
  const on = await kit()
  const client = await on.client()
  client.send('MULTI', 'BLPOP q 0', 'EXEC')
  const lease = await on.lease()
  expect(wire(lease)).toEqual(['MULTI'])
})

test('a large request that began while the gate held is cut by the switch, not sent in part', async () => {
  const { on, client } = await watching()
  on.gate.hold('failover')
  const request = encodeRequest(['SET', 'big', 'A'.repeat(2_000) + 'B'.repeat(4_000)])
  client.socket.write(request.subarray(0, 2_000))
  await seen(() => on.gate.queue.count === 1)
  client.socket.write(request.subarray(2_000, 4_200))
  await switched(on)
  client.socket.write(request.subarray(4_200))
  client.send('GET a')
  const lease = await on.lease()
  expect([wire(lease), lease.piped]).toEqual([['GET a'], ''])
  lease.answer('$-1\r\n')
  await seen(() => client.heard.endsWith('$-1\r\n'))
  expect(client.heard).toMatch(/^-MASTERDOWN [^\r]+ it was not executed\r\n\$-1\r\n$/)
})

describe('bytes that cannot be paired with replies wait for the link', () => {
  test('SUBSCRIBE in a transaction whose link is made again', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    on.lose()
    await seen(() => client.session.pin.isRebuilding)
    client.send('SUBSCRIBE ch')
    await turns(5)
    await on.recover()
    const lease = await on.lease(2)
    await seen(() => lease.piped !== '')
    expect([wire(lease), lease.piped]).toEqual([
      ['MULTI', 'SET a 1'],
      '*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nch\r\n',
    ])
  })

  test('and there is none to be had: refused, and the transaction is void', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    on.lose()
    await seen(() => client.session.pin.isRebuilding)
    client.send('SUBSCRIBE ch')
    await turns(5)
    on.clock.advance(1_001)
    await seen(() => client.heard.startsWith('-MASTERDOWN'))
    expect(client.session.state.transaction).toBe('flawed')
  })
})

test('a client that is told goodbye while it was not read is noticed when it leaves', async () => {
  const on = await kit({ limits: { parkedBytes: 1_000 } })
  const client = await on.client()
  client.send('SELECT 1')
  const lane = await on.lane(client)
  client.socket.write(Buffer.concat([encodeRequest(['QUIT']), Buffer.alloc(40_000, 'x')]))
  await seen(() => on.served(client).isPaused())
  lane.answer('+OK\r\n')
  await client.hears('+OK\r\n+OK\r\n')
  await seen(() => client.ended)
  client.socket.end()
  await seen(() => on.served(client).destroyed)
})

test('a client that is told goodbye and stays is closed all the same', async () => {
  const on = await kit()
  const client = await on.client()
  client.send('QUIT')
  await seen(() => client.ended)
  await seen(() => on.clock.waiting > 0)
  on.clock.advance(10_000)
  await seen(() => on.served(client).destroyed)
  expect(on.clock.waiting).toBe(0)
})
