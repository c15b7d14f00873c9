import { describe, expect, test } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, seen, wire } from './session-kit.ts'

watchLeaks()

const indoubt = /^-INDOUBT .*\r\n/

describe('replies', () => {
  test('of a pipeline come in its order', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('GET a', 'GET b', 'PING')
    const lane = await on.lane(client, 3)
    for (const reply of ['$1\r\na\r\n', '-ERR no\r\n', '+PONG\r\n']) lane.answer(reply)
    await client.hears('$1\r\na\r\n-ERR no\r\n+PONG\r\n')
    expect([on.counters.replies, client.session.outstanding]).toEqual([3, 0])
  })

  test('keep their order when a later command is done before an earlier one', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('GET a', 'INCR b', 'GET c')
    const lane = await on.lane(client, 3)
    lane.answer('$1\r\na\r\n')
    client.send('GET d')
    await on.lane(client, 3)
    await client.hears('$1\r\na\r\n')
    on.lose() // INCR is told at once, though it is first; the reads go again
    await seen(() => indoubt.test(client.heard))
    client.heard = ''
    await on.recover()
    const next = await on.lane(client, 2)
    expect(wire(next)).toEqual(['GET c', 'GET d'])
    next.answer('$1\r\nc\r\n')
    next.answer('$1\r\nd\r\n')
    await client.hears('$1\r\nc\r\n$1\r\nd\r\n')
  })

  test('that are known early wait for their turn', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('GET a', 'INCR b', 'CLIENT ID', 'GET c')
    await on.lane(client, 3)
    on.lose()
    await turns(5)
    expect(client.heard).toBe('')
    await on.recover()
    const next = await on.lane(client, 2)
    next.answer('$1\r\na\r\n')
    next.answer('$1\r\nc\r\n')
    await seen(() => client.heard.endsWith('$1\r\nc\r\n'))
    const id = `:${client.session.id}\r\n`
    const [first, ...rest] = client.heard.split(/(?=-INDOUBT)/)
    expect(first).toBe('$1\r\na\r\n')
    expect(rest.join('').replace(indoubt, '')).toBe(`${id}$1\r\nc\r\n`)
  })

  test('that the client does not want are not given', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('CLIENT REPLY SKIP', 'SET a 1', 'GET a', 'CLIENT REPLY OFF', 'GET b')
    client.send('CLIENT REPLY ON')
    const lane = await on.lane(client, 3)
    for (const reply of ['+OK\r\n', '$1\r\n1\r\n', '$1\r\nb\r\n']) lane.answer(reply)
    await client.hears('$1\r\n1\r\n+OK\r\n')
  })
})

describe('the state of the connection', () => {
  test('commands behind a SELECT wait for its verdict', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('SET a 1', 'SELECT 3', 'GET b')
    let lane = await on.lane(client)
    lane.answer('+OK\r\n')
    lane = await on.lane(client)
    expect(wire(lane)).toEqual(['SELECT 3'])
    lane.answer('+OK\r\n')
    lane = await on.lane(client)
    expect([wire(lane), lane.inFlight[0]?.state.db]).toEqual([['GET b'], 3])
    lane.answer('$-1\r\n')
    await client.hears('+OK\r\n+OK\r\n$-1\r\n')
  })

  test('a SELECT that is refused changes nothing', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('SELECT 99', 'GET b')
    const lane = await on.lane(client)
    lane.answer('-ERR DB index is out of range\r\n')
    await on.lane(client)
    expect(lane.inFlight[0]?.state.db).toBe(0)
  })

  test('the name is the client’s, not the link’s', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('CLIENT GETNAME', 'CLIENT SETNAME me', 'CLIENT GETNAME', 'RESET', 'CLIENT GETNAME')
    await client.hears('$-1\r\n+OK\r\n$2\r\nme\r\n+RESET\r\n$-1\r\n')
    expect(on.current.inFlight()).toBe(0)
  })
})

describe('a client that leaves', () => {
  test('while its command is held: the command is never run', async () => {
    const on = await kit()
    const client = await on.client()
    on.gate.hold('failover')
    client.send('SET a 1')
    await seen(() => on.gate.queue.count === 1)
    client.socket.destroy()
    await seen(() => on.closed.length === 1)
    on.lose()
    await on.recover()
    expect([on.current.inFlight(), on.gate.queue.count]).toEqual([0, 0])
    expect([on.closed, on.counters.dropped]).toEqual([['client'], 1])
  })

  test('while its command is on the wire: the reply is thrown away', async () => {
    const on = await kit()
    const [gone, other] = [await on.client(4), await on.client(4)]
    gone.send('GET a')
    await on.lane(gone)
    other.send('GET b')
    const lane = await on.lane(other, 2)
    gone.socket.resetAndDestroy()
    await seen(() => on.closed.length === 1)
    lane.answer('$1\r\na\r\n')
    lane.answer('$1\r\nb\r\n')
    await other.hears('$1\r\nb\r\n')
  })

  test.each(['BLPOP k 0', 'XREAD BLOCK 0 STREAMS s $', 'XREADGROUP GROUP g c BLOCK 0 STREAMS s >'])(
    'by closing its side while it waits in %s: the link is closed, so that nothing is popped',
    async (request) => {
      const on = await kit()
      const client = await on.client()
      client.send(request)
      const lease = await on.lease()
      client.socket.end()
      await seen(() => on.closed.length === 1)
      expect(lease.closed).toBe(true)
    },
  )

  test('by closing its side gets the replies it is owed, then the end', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('SET a 1', 'SELECT 3', 'GET b')
    client.socket.end()
    let lane = await on.lane(client)
    lane.answer('+OK\r\n')
    lane = await on.lane(client)
    await turns(5)
    expect(client.ended).toBe(false)
    lane.answer('+OK\r\n')
    lane = await on.lane(client)
    lane.answer('$-1\r\n')
    await client.hears('+OK\r\n+OK\r\n$-1\r\n')
    await seen(() => client.ended)
    expect(on.closed).toEqual(['client'])
  })

  test('by QUIT gets all earlier replies; what comes behind it is not taken', async () => {
    const on = await kit()
    const client = await on.client()
    client.send('GET a', 'QUIT', 'SET a 1')
    const lane = await on.lane(client)
    expect(client.heard).toBe('')
    lane.answer('$-1\r\n')
    await client.hears('$-1\r\n+OK\r\n')
    await seen(() => client.ended)
    expect([on.closed, lane.inFlight]).toEqual([['quit'], []])
  })
})

describe('a client that misbehaves', () => {
  test('is told and closed behind the replies it is owed; others go on', async () => {
    const on = await kit()
    const [bad, good] = [await on.client(1), await on.client(1)]
    good.send('GET a')
    await on.lane(good)
    bad.send('GET b')
    bad.socket.write('*1\r\n!oops\r\n')
    const lane = await on.lane(bad, 2)
    lane.answer('$1\r\na\r\n')
    lane.answer('$1\r\nb\r\n')
    await good.hears('$1\r\na\r\n')
    await bad.hears("$1\r\nb\r\n-ERR Protocol error: expected '$', got '!'\r\n")
    await seen(() => bad.ended)
    expect(on.closed).toEqual(['protocol'])
    good.send('GET c')
    await on.lane(good)
  })

  test('by HTTP is closed at once', async () => {
    const on = await kit()
    const client = await on.client()
    client.socket.write('POST / HTTP/1.1\r\nHost: x\r\n\r\n')
    await seen(() => client.ended)
    expect([on.closed, on.current.inFlight()]).toEqual([['protocol'], 0])
  })

  test('by not reading is closed at its limit; others on the same link are not', async () => {
    const on = await kit({ limits: { outputPauseBytes: 10_000, outputLimitBytes: 100_000 } })
    const [slow, other] = [await on.client(1), await on.client(1)]
    slow.socket.pause()
    const reply = `$1000000\r\n${'x'.repeat(1_000_000)}\r\n`
    for (let i = 0; on.closed.length === 0 && i < 50; i++) {
      slow.send('GET big')
      const lane = await on.lane(slow)
      lane.answer(reply)
      await turns(3)
    }
    expect(on.closed).toEqual(['output-limit'])
    other.send('GET a')
    const lane = await on.lane(other)
    lane.answer('$-1\r\n')
    await other.hears('$-1\r\n')
  })
})

test('a client that does not read is not read either, until it does', async () => {
  const on = await kit({ limits: { outputPauseBytes: 10_000, outputLimitBytes: 100_000_000 } })
  const client = await on.client()
  client.socket.pause()
  client.send('GET big', 'GET small')
  const lane = await on.lane(client, 2)
  lane.answer(`$20000000\r\n${'x'.repeat(20_000_000)}\r\n`)
  await turns(3)
  lane.answer('$1\r\nx\r\n')
  client.send('GET a')
  await turns(50)
  expect(lane.inFlight).toEqual([])
  client.socket.resume()
  await on.lane(client)
  expect(wire(lane)).toEqual(['GET a'])
})

describe('the limits of a hold', () => {
  test('what waits keeps its bytes, whatever other clients send meanwhile', async () => {
    const on = await kit()
    const [one, two] = [await on.client(1), await on.client(2)]
    on.gate.hold('failover')
    one.send('SET mine 111', 'SET mine 112', 'SELECT 3', 'SET mine 113')
    await seen(() => on.gate.queue.count === 1)
    two.send('SET other 2222222', 'SET other 3333333', 'GET other')
    await seen(() => on.gate.queue.count === 2)
    on.lose()
    await on.recover()
    for (const expected of [['SET mine 111', 'SET mine 112'], ['SELECT 3'], ['SET mine 113']]) {
      const lane = await on.lane(one, expected.length)
      expect(wire(lane)).toEqual(expected)
      while (lane.answer('+OK\r\n')) continue
    }
    expect(wire(await on.lane(two, 3))).toEqual([
      'SET other 2222222',
      'SET other 3333333',
      'GET other',
    ])
  })

  test('a client that floods is answered once, then paused until the gate opens', async () => {
    const on = await kit({ gate: { maxCommands: 1 } })
    const [first, flood] = [await on.client(), await on.client()]
    on.gate.hold('failover')
    first.send('SET a 1')
    await seen(() => on.gate.queue.count === 1)
    flood.send(...Array.from({ length: 50 }, (_, n) => `SET b ${n}`))
    await seen(() => flood.heard.includes('\r\n'))
    await turns(5)
    expect(flood.heard.match(/-TRYAGAIN/g)).toHaveLength(1)
    on.gate.admit(on.current)
    await on.lane(flood, 49)
  })

  test('after the hold window every command is refused at once, and the client stays', async () => {
    const on = await kit()
    const client = await on.client()
    on.gate.hold('link-lost')
    client.send('SET a 1', 'GET b')
    await seen(() => on.gate.queue.count === 1)
    on.clock.advance(1_000)
    await seen(() => client.heard.match(/-MASTERDOWN/g)?.length === 2)
    client.heard = ''
    await on.recover()
    client.send('PING')
    const lane = await on.lane(client)
    lane.answer('+PONG\r\n')
    await client.hears('+PONG\r\n')
  })
})

test('what is found before a read is heeded by the first command in it', async () => {
  let found = (): void => undefined
  const on = await kit({
    beforeRead: () => {
      found()
    },
  })
  const client = await on.client()
  found = () => {
    on.gate.hold('stall')
  }
  client.send('SET k v')
  await seen(() => client.session.outstanding === 1)
  expect([on.gate.queue.count, wire(on.current.lane(client.session.id))]).toEqual([1, []])
})
