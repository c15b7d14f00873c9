import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call, plainState } from '../support/call.ts'
import { turns } from '../support/virtual-clock.ts'
import { connected, seen, stage } from './link-kit.ts'

watchLeaks()

const db = (number: number) => ({ state: { ...plainState, db: number } })

describe('requests', () => {
  test('of one turn leave in one write, behind the handshake', async () => {
    const on = await stage()
    const link = on.link()
    const early = [1, 2].map((n) => new Call(`SET early ${n}`))
    for (const call of early) link.send(call)
    const peer = await on.server.accept()
    await link.ready
    await seen(() => peer.requests.length === 4)
    const before = peer.reads.length
    const late = [1, 2, 3].map((n) => new Call(`SET late ${n}`))
    for (const call of late) link.send(call)
    await seen(() => peer.requests.length === 7)
    expect(peer.reads.slice(before)).toEqual([late.map((call) => call.wire).join('')])
    expect(peer.reads[before - 1]).toBe(early.map((call) => call.wire).join(''))
  })

  test('are kept by the link: the sender’s buffer may be used again', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    for (const size of [5, 200, 20_000]) {
      const call = new Call(`SET k ${'x'.repeat(size)}`)
      const wire = call.wire
      const buffer = new Uint8Array(call.bytes)
      call.bytes = buffer
      link.send(call)
      buffer.fill(0)
      expect(call.wire).toBe(wire)
    }
    await seen(() => peer.commands.length === 3)
    expect(peer.commands.map((text) => text.length)).toEqual([11, 206, 20_006])
  })

  test('of other dbs have a SELECT before them, once, whose reply nobody sees', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const calls = [
      new Call('GET a'),
      new Call('GET b', db(3)),
      new Call('GET c', db(3)),
      new Call('GET d'),
    ]
    for (const call of calls) link.send(call)
    await seen(() => peer.commands.length === 6)
    expect(peer.commands).toEqual(['GET a', 'SELECT 3', 'GET b', 'GET c', 'SELECT 0', 'GET d'])
    peer.send(':1\r\n+OK\r\n:2\r\n:3\r\n+OK\r\n:4\r\n')
    await seen(() => calls[3]?.told !== '')
    expect(calls.map((call) => call.told)).toEqual([':1\r\n', ':2\r\n', ':3\r\n', ':4\r\n'])
  })

  test('behind a client’s own SELECT have one of ours, since only the server knows the db', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    link.send(new Call('SELECT 9'))
    link.send(new Call('GET a'))
    await seen(() => peer.commands.length === 3)
    expect(peer.commands).toEqual(['SELECT 9', 'SELECT 0', 'GET a'])
  })

  test('on a lease have no SELECT between them, or it would land in a transaction', async () => {
    const on = await stage()
    const { link, peer } = await connected(on, 'lease')
    const owner = { isPush: () => false, onPush: () => undefined, onLeaseLost: () => undefined }
    link.lend(owner, on.notes, 2)
    for (const text of ['MULTI', 'SELECT 3', 'GET k', 'EXEC']) link.send(new Call(text, db(2)))
    await seen(() => peer.commands.length === 5)
    expect(peer.commands).toEqual(['SELECT 2', 'MULTI', 'SELECT 3', 'GET k', 'EXEC'])
  })

  test('that try an AUTH have no SELECT: nobody has authenticated on that link yet', async () => {
    const on = await stage()
    const { link, peer } = await connected(on, 'prober')
    link.send(new Call('AUTH secret', { ...db(3), via: 'prober' }))
    await seen(() => peer.requests.length >= 3)
    expect(peer.requests.at(-1)).toEqual(['AUTH', 'secret'])
    expect(peer.commands).toEqual([])
  })

  test('above the high water mark stop the sender until they are written', async () => {
    const on = await stage()
    const { link } = await connected(on)
    expect(link.send(new Call('GET k'))).toBe(true)
    expect(link.send(new Call(`SET k ${'x'.repeat(2_000)}`))).toBe(false)
    let drained = 0
    link.onDrain(() => drained++)
    expect(drained).toBe(0)
    await seen(() => drained === 1)
    link.onDrain(() => drained++)
    await turns()
    expect(drained).toBe(2)
  })
})

describe('replies', () => {
  const cases: readonly (readonly [requests: string[], bytes: string, expected: string[]])[] = [
    [['GET a', 'GET b'], '$1\r\na\r\n$-1\r\n', ['$1\r\na\r\n', '$-1\r\n']],
    [
      ['LRANGE l 0 -1', 'PING'],
      '*2\r\n$1\r\na\r\n*1\r\n:1\r\n+PONG\r\n',
      ['*2\r\n$1\r\na\r\n*1\r\n:1\r\n', '+PONG\r\n'],
    ],
    [
      ['INCR a', 'SET b 1', 'INCR c'],
      '-ERR no\r\n+OK\r\n:3\r\n',
      ['-ERR no\r\n', '+OK\r\n', ':3\r\n'],
    ],
  ]

  test.each(cases)('%j, cut at every byte', async (requests, bytes, expected) => {
    const on = await stage()
    const { link, peer } = await connected(on)
    for (let cut = 1; cut < bytes.length; cut++) {
      const calls = requests.map((text) => new Call(text))
      for (const call of calls) link.send(call)
      link.receive(Buffer.from(bytes.slice(0, cut), 'latin1'))
      link.receive(Buffer.from(bytes.slice(cut), 'latin1'))
      expect(calls.map((call) => call.told)).toEqual(expected)
    }
    const calls = requests.map((text) => new Call(text))
    for (const call of calls) link.send(call)
    for (const byte of Buffer.from(bytes, 'latin1')) link.receive(Buffer.from([byte]))
    expect(calls.map((call) => call.told)).toEqual(expected)
    expect([link.inFlight.size, peer.closed]).toEqual([0, false])
  })

  test('a run of several is one command: it is answered by all of them', async () => {
    const on = await stage()
    const { link } = await connected(on)
    const run = new Call('EXEC', { replies: 3 })
    const next = new Call('GET k')
    link.send(run)
    link.send(next)
    link.receive(Buffer.from('+OK\r\n+QUEUED\r\n*1\r\n:1\r\n$-1\r\n'))
    expect(run.parts).toEqual(['+OK\r\n', '+QUEUED\r\n', '*1\r\n:1\r\n'])
    expect([run.outcomes.length, next.told]).toEqual([1, '$-1\r\n'])
  })

  test.each([
    ['while it was queued', ['+OK\r\n', '-READONLY no\r\n', '-EXECABORT previous errors\r\n']],
    ['at its end', ['+OK\r\n', '+QUEUED\r\n', '-EXECABORT because of: READONLY\r\n']],
  ])('a run that was refused %s is taken back whole', async (_when, replies) => {
    const on = await stage()
    const { link } = await connected(on)
    const run = new Call('EXEC', { replies: 3 })
    link.send(run)
    on.notes.takes = (reply) => reply.includes('READONLY')
    link.receive(Buffer.from(replies.join('')))
    expect([run.parts, on.notes.takenBack, link.inFlight.size]).toEqual([[], [run], 0])
  })

  test('an error ends a command that would have had several', async () => {
    const on = await stage()
    const { link } = await connected(on)
    const call = new Call('SUBSCRIBE a b', { replies: 2, errorEnds: true })
    const next = new Call('GET k')
    link.send(call)
    link.send(next)
    link.receive(Buffer.from('-NOPERM no\r\n$-1\r\n'))
    expect([call.told, next.told]).toEqual(['-NOPERM no\r\n', '$-1\r\n'])
  })

  test.each([
    ['+OK\r\n', []],
    ['>2\r\n$10\r\ninvalidate\r\n_\r\n', ['GET k']],
    ['?what\r\n', ['GET k']],
  ])('%j, which nobody asked for, ends the link', async (bytes, requests) => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const calls = requests.map((text) => new Call(text))
    for (const call of calls) link.send(call)
    await seen(() => peer.commands.length === calls.length)
    peer.send(bytes)
    await seen(() => link.closed)
    expect(on.deaths).toEqual(['PROTOCOL'])
    expect(on.notes.lost.map(([, , fate]) => fate)).toEqual(calls.map(() => 'in-doubt'))
  })

  test('that an arbiter takes back never reach the client; those behind are asked about', async () => {
    const on = await stage()
    const { link } = await connected(on)
    const calls = ['SET a 1', 'GET a', 'INCR c'].map((text) => new Call(text))
    for (const call of calls) link.send(call)
    on.notes.takes = (reply) => reply.startsWith('-READONLY') || reply.startsWith('$')
    link.receive(Buffer.from('-READONLY no\r\n$1\r\nx\r\n:1\r\n'))
    expect(on.notes.takenBack).toEqual(calls.slice(0, 2))
    expect(calls.map((call) => call.told)).toEqual(['', '', ':1\r\n'])
  })
})

describe('a cut', () => {
  test('tells what was never handed over from what may have run', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const sent = [new Call('INCR a'), new Call('INCR b')]
    for (const call of sent) link.send(call)
    await seen(() => peer.commands.length === 2)
    const unsent = new Call('INCR c')
    link.send(unsent)
    link.destroy(new ProxyError('LINK_LOST'))
    expect(on.notes.lost).toEqual([
      [sent[0], 'LINK_LOST', 'in-doubt', false],
      [sent[1], 'LINK_LOST', 'in-doubt', false],
      [unsent, 'LINK_LOST', 'unsent', false],
    ])
    expect([sent[0]?.attempts, unsent.attempts]).toEqual([1, 0])
    expect(on.deaths).toEqual(['LINK_LOST'])
  })

  test('by the server is noticed, and half a large reply is known to be out', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const calls = [new Call('GET big'), new Call('GET k')]
    for (const call of calls) link.send(call)
    await seen(() => peer.commands.length === 2)
    peer.send(`$200000\r\n${'x'.repeat(150_000)}`)
    await seen(() => (calls[0]?.parts.join('').length ?? 0) > 100_000)
    peer.socket.destroy()
    await seen(() => link.closed)
    expect(on.notes.lost.map(([, , fate, begun]) => [fate, begun])).toEqual([
      ['in-doubt', true],
      ['in-doubt', false],
    ])
  })

  test('before the handshake is done: nothing was sent', async () => {
    const on = await stage(() => undefined)
    const link = on.link()
    const call = new Call('INCR a')
    link.send(call)
    const peer = await on.server.accept()
    peer.socket.destroy()
    await expect(link.ready).rejects.toMatchObject({ code: 'LINK_LOST' })
    expect(on.notes.lost).toEqual([[call, 'LINK_LOST', 'unsent', false]])
  })

  test('that we make ourselves is no death', async () => {
    const on = await stage()
    const { link } = await connected(on)
    link.destroy(new ProxyError('FENCED'))
    link.destroy(new ProxyError('LINK_LOST'))
    expect(on.deaths).toEqual([])
  })
})
