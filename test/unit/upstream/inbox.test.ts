import { describe, expect, test } from 'vitest'
import type { ProxyError } from '../../../src/base/errors.ts'
import type { LeaseOwner } from '../../../src/dispatcher.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call } from '../support/call.ts'
import { connected, seen, stage, stallMs } from './link-kit.ts'

watchLeaks()

class Owner implements LeaseOwner {
  readonly pushes: string[] = []
  readonly lost: string[] = []
  pushKinds: readonly string[] = ['message']

  isPush(_type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    return this.pushKinds.some((kind) => text.includes(kind))
  }

  onPush(bytes: Uint8Array, start: number, end: number): void {
    this.pushes.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'))
  }

  onLeaseLost(cause: ProxyError): void {
    this.lost.push(cause.code)
  }
}

async function leased(db = 0) {
  const on = await stage()
  const { link, peer } = await connected(on, 'lease')
  const owner = new Owner()
  link.lend(owner, on.notes, db)
  return { on, link, peer, owner }
}

describe('a lease', () => {
  const message = '*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n'

  test('messages between replies go to the owner, at every cut', async () => {
    const { link, owner } = await leased()
    const bytes = `${message}+PONG\r\n${message}:1\r\n`
    for (let cut = 1; cut < bytes.length; cut++) {
      const calls = [new Call('PING'), new Call('INCR a')]
      for (const call of calls) link.send(call)
      link.receive(Buffer.from(bytes.slice(0, cut)))
      link.receive(Buffer.from(bytes.slice(cut)))
      expect(calls.map((call) => call.told)).toEqual(['+PONG\r\n', ':1\r\n'])
      expect(owner.pushes.splice(0).join('')).toBe(message + message)
    }
  })

  test('a large message is passed on part by part, and answers nothing', async () => {
    const { link, owner } = await leased()
    const call = new Call('PING')
    link.send(call)
    const large = `*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$200000\r\n${'m'.repeat(200_000)}\r\n`
    for (let at = 0; at < large.length; at += 40_000) {
      link.receive(Buffer.from(large.slice(at, at + 40_000)))
    }
    link.receive(Buffer.from('+PONG\r\n'))
    expect(owner.pushes.join('')).toBe(large)
    expect(call.told).toBe('+PONG\r\n')
  })

  test('for a client in another db: that is told to the server, though the client sends nothing', async () => {
    const { link, peer } = await leased(3)
    await seen(() => peer.commands.length === 1)
    peer.send('+OK\r\n')
    await seen(() => link.commands === 0)
    expect(peer.commands).toEqual(['SELECT 3'])
  })

  test('raw: everything goes to the owner as it is', async () => {
    const { link, owner, peer } = await leased()
    link.inbox.rawMode = true
    link.pipe(Buffer.from('*1\r\n$7\r\nMONITOR\r\n'), 0, 17)
    await seen(() => peer.commands.length === 1)
    peer.send('+OK\r\n+1.2 "x"')
    await seen(() => owner.pushes.join('').endsWith('"x"'))
    expect(owner.pushes.join('')).toBe('+OK\r\n+1.2 "x"')
    expect(link.closed).toBe(false)
  })

  test('raw: the reply to a SELECT of ours is not the client’s', async () => {
    const { link, owner } = await leased(3)
    link.inbox.rawMode = true
    link.pipe(Buffer.from('*1\r\n$7\r\nMONITOR\r\n'), 0, 17)
    link.receive(Buffer.from('+O'))
    link.receive(Buffer.from('K\r\n+OK\r\n+1.2'))
    expect(owner.pushes.join('')).toBe('+OK\r\n+1.2')
    expect(link.inFlight.size).toBe(0)
  })

  test('is over when the server refuses as no master, once all has come back', async () => {
    const { on, link, owner } = await leased()
    on.notes.takes = (reply) => reply.startsWith('-READONLY')
    for (const text of ['SET a 1', 'PUBLISH c m']) link.send(new Call(text))
    link.receive(Buffer.from('-READONLY no\r\n'))
    expect(owner.lost).toEqual([])
    link.receive(Buffer.from(':0\r\n'))
    expect(owner.lost).toEqual(['FENCED'])
  })

  test('a SELECT that is refused ends the link: it is not in the db we think', async () => {
    const { on, link } = await leased(3)
    link.receive(Buffer.from('-NOPERM no\r\n'))
    expect([link.closed, on.deaths]).toEqual([true, ['HANDSHAKE_FAILED']])
  })
})

describe('a slow reader', () => {
  test('stops a shared link for a moment only, once a reply', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const slow = new Call('GET big')
    const other = new Call('GET k')
    slow.slow = 1_000
    for (const call of [slow, other]) link.send(call)
    await seen(() => peer.commands.length === 2)
    peer.send(`$300000\r\n${'x'.repeat(300_000)}\r\n$1\r\nk\r\n`)
    await seen(() => slow.parts.length > 0)
    const timers = on.clock.waiting
    expect(timers).toBeGreaterThan(0)
    on.clock.advance(stallMs - 1)
    expect(other.told).toBe('')
    on.clock.advance(1)
    await seen(() => other.told !== '')
    expect(on.clock.waiting).toBe(0)
    expect(slow.outcomes).toHaveLength(1)
  })

  test('that reads again lets the link go on at once', async () => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const slow = new Call('GET big')
    const other = new Call('GET k')
    slow.slow = 1
    for (const call of [slow, other]) link.send(call)
    await seen(() => peer.commands.length === 2)
    peer.send(`$300000\r\n${'x'.repeat(300_000)}\r\n$1\r\nk\r\n`)
    await seen(() => slow.parts.length > 0)
    expect(other.told).toBe('')
    slow.resume()
    await seen(() => other.told !== '')
    expect(on.clock.waiting).toBe(0)
  })

  test('stops its own link for as long as it likes', async () => {
    const { on, link, peer } = await leased()
    const slow = new Call('GET big')
    slow.slow = 1
    link.send(slow)
    await seen(() => peer.commands.length === 1)
    peer.send(`$300000\r\n${'x'.repeat(300_000)}\r\n`)
    await seen(() => slow.parts.length > 0)
    expect(on.clock.waiting).toBe(0)
    on.clock.advance(100 * stallMs)
    expect(slow.told).toBe('')
    slow.resume()
    await seen(() => slow.told !== '')
  })
})

test('a large value behind a refused command is none: the read is taken back as well', async () => {
  const on = await stage()
  const { link } = await connected(on)
  on.notes.takes = (reply) => reply.startsWith('-READONLY') || reply.startsWith('$')
  const calls = [new Call('SET k new'), new Call('GET k'), new Call('PING')]
  for (const call of calls) link.send(call)
  const old = 'x'.repeat(200_000)
  for (const chunk of ['-READONLY x\r\n', `$200000\r\n${old.slice(80_000)}`, old.slice(120_000)]) {
    link.receive(Buffer.from(chunk))
  }
  link.receive(Buffer.from('\r\n+PONG\r\n'))
  expect(on.notes.takenBack).toEqual(calls.slice(0, 2))
  expect(calls.map((call) => call.parts)).toEqual([[], [], ['+PONG\r\n']])
  expect(link.commands).toBe(0)
})

describe('a transaction in one piece', () => {
  test.each([
    ["-ERR unknown command 'EXEC', with args beginning with: \r\n", true],
    ['-EXECABORT Transaction discarded because of previous errors.\r\n', false],
    ['-ERR EXEC without MULTI\r\n', false],
    ['*-1\r\n', false],
  ])('whose end is answered %j: the link is closed: %s', async (last, closes) => {
    const on = await stage()
    const { link, peer } = await connected(on)
    const run = new Call('MULTI', { replies: 3 })
    link.send(run)
    await seen(() => peer.commands.length === 1)
    peer.send(`+OK\r\n+QUEUED\r\n${last}`)
    await seen(() => run.told !== '')
    expect([run.told, link.closed]).toEqual([`+OK\r\n+QUEUED\r\n${last}`, closes])
  })
})
