import { describe, expect, test } from 'vitest'
import { encodeRequest } from '../../../src/protocol/request.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, queued, seen, wire } from './session-kit.ts'

watchLeaks()

describe('an exclusive link', () => {
  test('is taken for a blocking call, behind what was sent, and given back clean', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('SET a 1', 'BLPOP q 1', 'GET a')
    let lane = await on.lane(client)
    await turns(5)
    expect(on.current.leases).toEqual([])
    lane.answer('+OK\r\n')
    const lease = await on.lease()
    expect([wire(lease), on.counters.leasesTaken.blocking]).toEqual([['BLPOP q 1'], 1])
    lease.answer('*-1\r\n')
    lane = await on.lane(client)
    expect([wire(lane), lease.released, client.session.pin.held]).toEqual([
      ['GET a'],
      'clean',
      false,
    ])
    lane.answer('$1\r\n1\r\n')
    await client.hears('+OK\r\n*-1\r\n$1\r\n1\r\n')
  })

  test('is kept from WATCH to EXEC', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('WATCH k')
    const lease = await on.lease()
    lease.answer('+OK\r\n')
    await client.hears('+OK\r\n')
    client.send('GET k')
    await on.lease()
    expect([wire(lease), client.session.reasons]).toEqual([['GET k'], ['watch']])
    lease.answer('$-1\r\n')
    await client.hears('$-1\r\n')
    await queued(on, client, 'SET k 1')
    expect(client.session.reasons).toEqual(['transaction', 'watch'])
    client.send('EXEC')
    await on.lease()
    lease.answer('*1\r\n+OK\r\n')
    await client.hears('*1\r\n+OK\r\n')
    expect([client.session.reasons, lease.released]).toEqual([[], 'clean'])
  })

  test.each([
    ['*1\r\n+OK\r\n', 'clean'],
    ['*-1\r\n', 'clean'],
    ["-ERR unknown command 'EXEC'\r\n", 'dirty'],
  ] as const)('is given back behind EXEC, answered %j: %s', async (reply, released) => {
    const on = await kit()
    const client = await on.client()
    const lease = await queued(on, client, 'SET k 1')
    client.send('EXEC')
    await on.lease()
    lease.answer(reply)
    await client.hears(reply)
    expect([client.session.reasons, lease.released]).toEqual([[], released])
  })

  test('is closed, not shared again, when the client leaves in a transaction', async () => {
    const on = await kit()
    const client = await on.client()
    const lease = await queued(on, client, 'SET k 1')
    client.socket.resetAndDestroy()
    await seen(() => lease.closed)
    expect([lease.inFlight, lease.released]).toEqual([[], 'dirty'])
  })

  test.each([
    ['DEBUG JMAP', '+OK\r\n', 'dirty'],
    ['CLIENT NO-EVICT ON', '-ERR no\r\n', 'dirty'],
    ['XREAD BLOCK 10 STREAMS s $', '*-1\r\n', 'clean'],
  ])('after %s, answered %j, is given back %s', async (request, reply, released) => {
    const on = await kit()
    const client = await on.client()
    client.send(request)
    const lease = await on.lease()
    lease.answer(reply)
    await client.hears(reply)
    expect(lease.released).toBe(released)
  })

  test('none to be had: the client is told, and stays', async () => {
    const on = await kit()
    const client = await on.client()
    on.gate.hold('link-lost')
    on.clock.advance(1_000)
    client.send('BLPOP q 0', 'PING')
    await seen(() => client.heard.match(/-MASTERDOWN/g)?.length === 2)
    expect(on.closed).toEqual([])
  })

  test('that comes when the client has left is given back', async () => {
    const on = await kit()
    on.current.grantsAtOnce = false
    const client = await on.client()
    client.send('BLPOP q 0')
    await turns(10)
    client.socket.resetAndDestroy()
    await seen(() => on.closed.length === 1)
    on.current.grant()
    await seen(() => on.current.leases[0]?.closed === true)
    expect(on.current.inFlight()).toBe(0)
  })
})

describe('when the link of a transaction is lost', () => {
  test('what was queued is queued again, once, and EXEC runs all of it', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1', 'SET b 2')
    on.lose()
    await on.recover()
    const lease = await on.lease(3)
    expect(wire(lease)).toEqual(['MULTI', 'SET a 1', 'SET b 2'])
    client.send('EXEC')
    await seen(() => lease.inFlight.length === 4)
    lease.flush()
    for (const reply of ['+OK\r\n', '+QUEUED\r\n', '+QUEUED\r\n', '*2\r\n+OK\r\n+OK\r\n']) {
      lease.answer(reply)
    }
    await client.hears('*2\r\n+OK\r\n+OK\r\n')
    expect(client.session.pin.held).toBe(false)
  })

  test('and lost again before it was queued, it is still queued once', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    on.lose()
    await on.recover()
    const half = await on.lease(2)
    half.answer('+OK\r\n')
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    await turns(5)
    expect(wire(lease)).toEqual(['MULTI', 'SET a 1'])
  })

  test('EXEC that waits at the gate then runs the whole transaction', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1', 'SET b 2')
    on.gate.hold('failover')
    client.send('EXEC')
    await seen(() => on.gate.queue.count === 1)
    on.lose()
    await on.recover()
    const lease = await on.lease(4)
    expect(wire(lease)).toEqual(['MULTI', 'SET a 1', 'SET b 2', 'EXEC'])
  })

  test('a command that was not confirmed yet is sent again behind the others', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    client.send('SET b 2')
    await on.lease()
    on.lose()
    await on.recover()
    const lease = await on.lease(3)
    expect(wire(lease)).toEqual(['MULTI', 'SET a 1', 'SET b 2'])
    for (const reply of ['+OK\r\n', '+QUEUED\r\n', '+QUEUED\r\n']) lease.answer(reply)
    await client.hears('+QUEUED\r\n')
  })

  test('EXEC on the wire is in doubt, and the transaction is over', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    client.send('EXEC')
    await on.lease()
    on.lose()
    await seen(() => client.heard.startsWith('-INDOUBT'))
    expect(client.session.state.transaction).toBe('none')
    await on.recover()
    client.heard = ''
    client.send('PING')
    const lane = await on.lane(client)
    lane.answer('+PONG\r\n')
    await client.hears('+PONG\r\n')
  })

  test('with WATCH, EXEC answers nil and nothing runs', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('WATCH k')
    const watching = await on.lease()
    watching.answer('+OK\r\n')
    await client.hears('+OK\r\n')
    await queued(on, client, 'SET k 1')
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    for (const reply of ['+OK\r\n', '+QUEUED\r\n']) lease.answer(reply)
    client.send('EXEC')
    await client.hears('*-1\r\n')
    expect([wire(lease), lease.closed, client.session.pin.held]).toEqual([[], true, false])
  })

  test('a MULTI that the next master refuses: nothing runs outside of the transaction', async () => {
    const on = await kit()
    const client = await on.client()
    await queued(on, client, 'SET a 1')
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    client.send('SET b 2')
    lease.answer('-NOPERM this user has no permissions\r\n')
    await seen(() => client.ended)
    expect([on.closed, lease.closed]).toEqual([['lease-lost'], true])
  })
})

describe('when another link is lost', () => {
  test('subscriptions are made again, and their confirmations are nobody’s', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('SUBSCRIBE a b')
    let lease = await on.lease()
    expect(lease.inFlight[0]?.replies).toBe(2)
    const confirm = (name: string, n: number): string =>
      `*3\r\n$9\r\nsubscribe\r\n$1\r\n${name}\r\n:${n}\r\n`
    const head = lease.inFlight[0]
    for (const [i, text] of [confirm('a', 1), confirm('b', 2)].entries()) {
      const bytes = Buffer.from(text)
      head?.onReply(bytes, 0, bytes.length, i === 1)
    }
    lease.inFlight.length = 0
    lease.written = 0
    await client.hears(confirm('a', 1) + confirm('b', 2))
    on.lose()
    await on.recover()
    lease = await on.lease()
    expect(wire(lease)).toEqual(['SUBSCRIBE a b'])
    lease.answer(confirm('a', 1))
    const message = Buffer.from('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n')
    lease.owner?.onPush(message, 0, message.length, true)
    await client.hears(message.toString())
  })

  test.each([
    ['BLPOP q 5', 'BLPOP q 3'],
    ['XREAD BLOCK 5000 STREAMS s $', 'XREAD BLOCK 3000 STREAMS s $'],
    ['BLPOP q 0', 'BLPOP q 0'],
  ])('%s is issued again with what is left of its time', async (request, again) => {
    const on = await kit()
    const client = await on.client()
    client.send(request)
    await on.lease()
    on.clock.advance(2_000)
    on.lose()
    await on.recover()
    const lease = await on.lease()
    expect(wire(lease)).toEqual([again])
    lease.answer('*-1\r\n')
    await client.hears('*-1\r\n')
  })

  test('a blocking call whose time is over is answered as the server would', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('BLPOP q 1')
    await on.lease()
    on.lose()
    on.clock.advance(900)
    on.clock.advance(99)
    on.current.grantsAtOnce = true
    await on.recover()
    await on.lease()
    on.clock.advance(2)
    on.lose()
    await on.recover()
    await client.hears('*-1\r\n')
  })
})

describe('a large request', () => {
  const value = 'x'.repeat(5_000)
  const upload = Buffer.from(encodeRequest(['SET', 'k', value]))

  test('goes over a link of its own, part by part, and gives it back', async () => {
    const on = await kit()
    const client = await on.client()
    for (let at = 0; at < upload.length; at += 1_500) {
      client.socket.write(upload.subarray(at, at + 1_500))
      await turns(3)
    }
    const lease = await on.lease()
    const sent = (): string => wireText(lease.inFlight[0]) + lease.piped
    await seen(() => sent().length === upload.length)
    expect(sent()).toBe(upload.toString('latin1'))
    lease.answer('+OK\r\n')
    await client.hears('+OK\r\n')
    expect([lease.closed, client.session.pin.held]).toEqual([true, false])
  })

  test('is cut when its link dies: told that it was not executed, and the rest is dropped', async () => {
    const on = await kit()
    const client = await on.client()
    client.socket.write(upload.subarray(0, 3_000))
    const lease = await on.lease()
    lease.cut()
    await seen(() => client.heard.startsWith('-MASTERDOWN'))
    client.heard = ''
    on.gate.admit(on.current)
    client.socket.write(upload.subarray(3_000))
    client.send('PING')
    await seen(() => on.current.inFlight() === 1)
    const link = on.current.links.find((each) => each.inFlight.length === 1)
    expect(link === undefined ? [] : wire(link)).toEqual(['PING'])
    link?.flush()
    link?.answer('+PONG\r\n')
    await client.hears('+PONG\r\n')
    expect(client.session.pin.held).toBe(false)
  })

  test('that was cut leaves no link behind, though the client sends nothing more', async () => {
    const on = await kit()
    const client = await on.client()
    client.socket.write(upload.subarray(0, 3_000))
    const lease = await on.lease()
    lease.cut()
    on.gate.admit(on.current)
    await seen(() => on.current.leases.length === 2)
    client.socket.write(upload.subarray(3_000))
    await seen(() => on.current.leases.every((each) => each.closed))
    expect(client.session.pin.held).toBe(false)
  })
})

test('pauses of a slow subscriber leave nothing behind on its socket', async () => {
  const on = await kit({ limits: { outputPauseBytes: 1, outputLimitBytes: 1_000_000_000 } })
  const client = await on.client()
  const warnings: string[] = []
  const warned = (warning: Error): number => warnings.push(warning.name)
  process.on('warning', warned)
  client.socket.pause()
  let resumed = 0
  let asked = 0
  const big = Buffer.alloc(2_000_000, 0x78)
  for (let i = 0; i < 20; i++) {
    client.session.pin.onPush(big, 0, big.length, true)
    await turns(2)
    client.session.onResume(() => resumed++)
    asked++
    client.socket.resume()
    await seen(() => resumed === asked)
    client.socket.pause()
  }
  await turns(2)
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

function wireText(exchange: { bytes: Uint8Array; start: number; end: number } | undefined): string {
  if (exchange === undefined) return ''
  return Buffer.from(exchange.bytes.subarray(exchange.start, exchange.end)).toString('latin1')
}
