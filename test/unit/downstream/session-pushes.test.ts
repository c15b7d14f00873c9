import { describe, expect, test } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import type { FakeLink } from '../support/fake-generation.ts'
import { kit, queued, seen, wire, type Client, type Kit } from './session-kit.ts'

watchLeaks()

describe('a reply of the proxy’s own does not overtake what the server said before', () => {
  const message = '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n'
  const push = (lease: FakeLink): void => {
    const bytes = Buffer.from(message)
    lease.owner?.onPush(bytes, 0, bytes.length, true)
  }

  /** A client of RESP3 that hears invalidations, or messages. */
  async function hearing(by: string): Promise<[Kit, Client, FakeLink]> {
    const on = await kit()
    const client = await on.client()
    client.send('HELLO 3')
    ;(await on.lane(client)).answer('%0\r\n')
    await client.hears('%0\r\n')
    client.send(by)
    const lease = await on.lease()
    const reply = by.startsWith('SUB') ? '>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n' : '+OK\r\n'
    lease.answer(reply)
    await client.hears(reply)
    return [on, client, lease]
  }

  test.each([
    ['CLIENT ID', ':0\r\n', 'SUBSCRIBE c'],
    ['CLIENT GETNAME', '_\r\n', 'SUBSCRIBE c'],
    ['CLIENT SETNAME me', '+OK\r\n', 'CLIENT TRACKING ON'],
    ['HELLO 9', '-NOPROTO unsupported protocol version\r\n', 'CLIENT TRACKING ON'],
    ['QUIT', '+OK\r\n', 'SUBSCRIBE c'],
  ])('%s', async (request, reply, by) => {
    const [, client, lease] = await hearing(by)
    client.send(request)
    await seen(() => lease.inFlight.length === 1)
    expect(wire(lease)).toEqual(['PING'])
    lease.flush()
    push(lease)
    lease.answer('-NOPERM whatever it says\r\n')
    await client.hears(`${message}${reply}`)
  })

  test('is given though no master is to be had', async () => {
    const [on, client] = await hearing('SUBSCRIBE c')
    on.gate.hold('link-lost')
    client.send('CLIENT ID')
    await seen(() => on.gate.queue.count === 1)
    on.clock.advance(1_000)
    await client.hears(':0\r\n')
  })

  test('EXEC behind a WATCH that was lost', async () => {
    const [on, client] = await hearing('SUBSCRIBE c')
    client.send('WATCH k')
    ;(await on.lease()).answer('+OK\r\n')
    await client.hears('+OK\r\n')
    await queued(on, client)
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    expect(wire(lease)).toEqual(['SUBSCRIBE c', 'MULTI'])
    lease.answer('>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n')
    lease.answer('+OK\r\n')
    client.send('EXEC')
    await seen(() => lease.inFlight.length === 1)
    expect(wire(lease)).toEqual(['DISCARD'])
    lease.flush()
    push(lease)
    lease.answer('+OK\r\n')
    await client.hears(`${message}_\r\n`)
  })
})

describe('a subscription that was confirmed in part when its link was lost', () => {
  const frame = (kind: string, name: string, n: number): string =>
    `*3\r\n$${kind.length}\r\n${kind}\r\n$1\r\n${name}\r\n:${n}\r\n`

  /** The oldest command on the link is answered so; its last frame is still to come. */
  const begin = (lease: FakeLink, ...frames: readonly string[]): void => {
    for (const text of frames) {
      const bytes = Buffer.from(text)
      lease.inFlight[0]?.onReply(bytes, 0, bytes.length, false)
    }
  }

  /** As `begin`, to its end. */
  const finish = (lease: FakeLink, ...frames: readonly string[]): void => {
    begin(lease, ...frames.slice(0, -1))
    lease.answer(frames.at(-1) ?? '')
  }

  test.each([
    [
      ['a'],
      'SUBSCRIBE a',
      'SUBSCRIBE b c',
      [frame('subscribe', 'b', 2), frame('subscribe', 'c', 3)],
    ],
    [['a', 'b'], 'SUBSCRIBE a b', 'SUBSCRIBE c', [frame('subscribe', 'c', 3)]],
  ])('of a b c: %j were', async (names, before, rest, frames) => {
    const on = await kit()
    const client = await on.client()
    client.send('SUBSCRIBE a b c')
    const heard = names.map((name, n) => frame('subscribe', name, n + 1))
    begin(await on.lease(), ...heard)
    await client.hears(heard.join(''))
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    expect(wire(lease)).toEqual([before, rest])
    expect(lease.inFlight.map(({ replies }) => replies)).toEqual([names.length, 3 - names.length])
    finish(lease, ...heard)
    finish(lease, ...frames)
    await client.hears(frames.join(''))
  })

  test.each([
    ['UNSUBSCRIBE b a', 'UNSUBSCRIBE a', 1],
    ['UNSUBSCRIBE', 'UNSUBSCRIBE', 2],
  ])('%s: of what is left', async (request, rest, replies) => {
    const on = await kit()
    const client = await on.client()
    client.send('SUBSCRIBE a b c')
    const all = ['a', 'b', 'c'].map((name, n) => frame('subscribe', name, n + 1))
    finish(await on.lease(), ...all)
    await client.hears(all.join(''))
    client.send(request)
    begin(await on.lease(), frame('unsubscribe', 'b', 2))
    await client.hears(frame('unsubscribe', 'b', 2))
    on.lose()
    await on.recover()
    const lease = await on.lease(2)
    expect(wire(lease)).toEqual(['SUBSCRIBE a c', rest])
    expect(lease.inFlight[1]?.replies).toBe(replies)
  })
})
