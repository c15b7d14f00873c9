import { describe, expect, test } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, seen, wire, type Client, type Kit } from './session-kit.ts'

watchLeaks()

const indoubt = /-INDOUBT [^\r]*\r\n/g

/** A client whose pipelines stay in one piece. */
async function whole(): Promise<{ on: Kit; client: Client }> {
  const on = await kit()
  on.current.splitsPipelines = false
  return { on, client: await on.client() }
}

/** How many commands each exchange on the client's link has. */
function sizes(on: Kit, client: Client): number[] {
  return on.current.lane(client.session.id).inFlight.map(({ commands }) => commands)
}

describe('plain commands that come together', () => {
  test('go in one piece, and every reply is counted', async () => {
    const { on, client } = await whole()
    client.send('GET a', 'SET b 1', 'GET c')
    const lane = await on.lane(client)
    expect(sizes(on, client)).toEqual([3])
    expect(wire(lane)).toEqual(['GET a', 'SET b 1', 'GET c'])
    expect(client.session.outstanding).toBe(3)
    expect(lane.inFlight[0]?.traits.write).toBe(true)
    lane.answerPart(['$1\r\na\r\n'])
    await client.hears('$1\r\na\r\n')
    expect([on.counters.replies, client.session.outstanding]).toEqual([1, 2])
    lane.answerPart(['+OK\r\n', '$-1\r\n'])
    await client.hears('+OK\r\n$-1\r\n')
    expect(client.session.outstanding).toBe(0)
    expect([on.counters.replies, on.counters.commands.lane]).toEqual([3, 3])
  })

  test('of which none writes take the way of reads', async () => {
    const { on, client } = await whole()
    client.send('GET a', 'GET b')
    const lane = await on.lane(client)
    expect(lane.inFlight[0]?.traits.write).toBe(false)
  })

  test('stop where a command is not plain, and where half of one stands', async () => {
    const { on, client } = await whole()
    client.send('GET a', 'GET b', 'CLIENT ID', 'GET c', 'EVALSHA x 0', 'GET d', 'GET e')
    client.socket.write('*2\r\n$3\r\nGET\r\n$1\r\n')
    await on.lane(client, 2)
    expect(sizes(on, client)).toEqual([2, 4])
    client.socket.write('f\r\n')
    await on.lane(client, 3)
    expect(wire(on.current.lane(client.session.id)).at(-1)).toBe('GET f')
  })

  test('go one by one in a transaction, on a link of one’s own, and unheard', async () => {
    const { on, client } = await whole()
    client.send('CLIENT REPLY OFF', 'GET a', 'GET b', 'CLIENT REPLY ON')
    await on.lane(client, 2)
    expect(sizes(on, client)).toEqual([1, 1])
    const other = await on.client()
    other.send('MULTI')
    const lease = await on.lease()
    lease.answer('+OK\r\n')
    await other.hears('+OK\r\n')
    other.send('GET a', 'GET b')
    await on.lease(2)
    expect(lease.inFlight.map(({ commands }) => commands)).toEqual([1, 1])
  })
})

describe('a pipeline whose link is lost', () => {
  test('is judged command by command; what was answered is not sent again', async () => {
    const { on, client } = await whole()
    client.send('GET a', 'GET b', 'INCR c', 'GET d', 'INCR e')
    const lane = await on.lane(client)
    lane.answerPart(['$1\r\na\r\n'])
    await client.hears('$1\r\na\r\n')
    on.lose()
    await turns(5)
    expect(client.session.outstanding).toBe(4)
    await on.recover()
    const next = await on.lane(client, 2)
    expect(wire(next)).toEqual(['GET b', 'GET d'])
    next.answer('$1\r\nb\r\n')
    next.answer('$1\r\nd\r\n')
    await seen(() => client.heard.match(indoubt)?.length === 2)
    expect(client.heard.replace(indoubt, '?')).toBe('$1\r\nb\r\n?$1\r\nd\r\n?')
    expect([on.counters.replies, client.session.outstanding]).toEqual([3, 0])
  })

  test('before it was sent, all of it goes again', async () => {
    const { on, client } = await whole()
    client.send('INCR a', 'INCR b')
    await seen(() => sizes(on, client).length === 1) // nothing flushes the link
    on.lose()
    await on.recover()
    const next = await on.lane(client, 2)
    expect(wire(next)).toEqual(['INCR a', 'INCR b'])
    for (const { attempts } of next.inFlight) expect(attempts).toBe(1)
  })

  test('of a client that has gone is dropped, and counted', async () => {
    const { on, client } = await whole()
    client.send('GET a', 'GET b', 'GET c')
    const lane = await on.lane(client)
    lane.answerPart(['$1\r\na\r\n'])
    await client.hears('$1\r\na\r\n')
    client.socket.resetAndDestroy()
    await seen(() => on.closed.length === 1)
    expect([on.counters.replies, on.counters.dropped]).toEqual([1, 2])
    on.lose()
    await on.recover()
    expect(on.gate.queue.count).toBe(0)
    expect(on.current.lane(client.session.id).inFlight).toEqual([])
  })
})

test('while the gate holds a client has one command there, and the rest waits with it', async () => {
  const on = await kit()
  const client = await on.client()
  on.gate.hold('operator')
  client.send('GET a', 'GET b', 'GET c')
  await seen(() => on.gate.queue.count === 1)
  await turns(5)
  expect(on.gate.queue.count).toBe(1)
  on.gate.admit(on.current)
  expect(wire(await on.lane(client, 3))).toEqual(['GET a', 'GET b', 'GET c'])
})
