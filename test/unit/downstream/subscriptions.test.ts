import { describe, expect, test } from 'vitest'
import { Subscriptions } from '../../../src/downstream/subscriptions.ts'
import type { SessionVerb } from '../../../src/routing/traits.ts'

const array = 0x2a
const push = 0x3e

function frame(...parts: readonly (string | number | null)[]): Buffer {
  const text = parts.map((part) => {
    if (part === null) return '$-1\r\n'
    if (typeof part === 'number') return `:${part}\r\n`
    return `$${Buffer.byteLength(part, 'latin1')}\r\n${part}\r\n`
  })
  return Buffer.from(`*${parts.length}\r\n${text.join('')}`, 'latin1')
}

function after(...frames: readonly Buffer[]): Subscriptions {
  const subscriptions = new Subscriptions()
  for (const each of frames) subscriptions.confirm(each)
  return subscriptions
}

function isPush(subscriptions: Subscriptions, type: number, bytes: Buffer): boolean {
  const shown = Buffer.concat([Buffer.from('+x\r\n'), bytes, Buffer.from('+x\r\n')])
  return subscriptions.isPush(type === array ? 2 : 3, type, shown, 4, 4 + bytes.length)
}

const one = frame('subscribe', 'a', 1)

describe('RESP2: is this array a message or a reply?', () => {
  test.each<[string, Subscriptions, Buffer, boolean]>([
    ['a message to a subscriber', after(one), frame('message', 'a', 'm'), true],
    ['a pmessage', after(frame('psubscribe', 'a*', 1)), frame('pmessage', 'a*', 'a', 'm'), true],
    ['an smessage', after(frame('ssubscribe', 'a', 1)), frame('smessage', 'a', 'm'), true],
    ['a confirmation', after(one), frame('subscribe', 'b', 2), false],
    ['the end of a subscription', after(one), frame('unsubscribe', 'a', 0), false],
    ['PONG', after(one), frame('pong', ''), false],
    ['a list that begins so, without subscriptions', after(), frame('message', 'a', 'm'), false],
    [
      'a list that begins so, after the last subscription',
      after(one, frame('unsubscribe', 'a', 0)),
      frame('message', 'a', 'm'),
      false,
    ],
    ['an empty list', after(one), Buffer.from('*0\r\n'), false],
    ['a nil list', after(one), Buffer.from('*-1\r\n'), false],
  ])('%s', (_what, subscriptions, bytes, expected) => {
    expect(isPush(subscriptions, array, bytes)).toBe(expected)
  })
})

test('RESP3: an array that begins with "message" is a reply even to a subscriber', () => {
  const bytes = frame('message', 'a', 'm')
  expect(after(one).isPush(3, array, bytes, 0, bytes.length)).toBe(false)
})

describe('RESP3: does this push answer a command?', () => {
  test.each([
    ['subscribe', false],
    ['psubscribe', false],
    ['ssubscribe', false],
    ['unsubscribe', false],
    ['punsubscribe', false],
    ['sunsubscribe', false],
    ['message', true],
    ['pmessage', true],
    ['smessage', true],
    ['invalidate', true],
    ['tracking-redir-broken', true],
    ['something-new', true],
  ])('%s', (kind, expected) => {
    const bytes = Buffer.from(frame(kind, 'a', 1).toString('latin1').replace('*', '>'), 'latin1')
    expect(isPush(after(), push, bytes)).toBe(expected)
    expect(isPush(after(one), push, bytes)).toBe(expected)
  })
})

describe('how many frames confirm', () => {
  const some = after(one, frame('subscribe', 'b', 2), frame('psubscribe', 'p', 3))

  test.each<[SessionVerb, number, number]>([
    ['subscribe', 2, 1],
    ['subscribe', 4, 3],
    ['psubscribe', 3, 2],
    ['unsubscribe', 3, 2],
    ['unsubscribe', 1, 2],
    ['punsubscribe', 1, 1],
    ['sunsubscribe', 1, 1],
    ['subscribe', 1, 1],
  ])('%s with %i words: %i', (verb, argc, frames) => {
    expect(some.framesFor(verb, argc)).toBe(frames)
  })
})

test('names are bytes: they come back as they were', () => {
  const name = '\xff\x00\r\n\xe9'
  const subscriptions = after(frame('subscribe', name, 1))
  const [part] = subscriptions.rebuild()
  expect(Buffer.from(part?.request ?? []).toString('latin1')).toContain(name)
})

test('the sets follow the confirmations, and are rebuilt kind by kind', () => {
  const subscriptions = after(
    one,
    one,
    frame('subscribe', 'b', 2),
    frame('psubscribe', 'p*', 3),
    frame('ssubscribe', 's', 1),
    frame('unsubscribe', 'a', 2),
    frame('unsubscribe', null, 2),
    frame('punsubscribe', 'unknown', 2),
  )
  expect(subscriptions.size).toBe(3)
  expect(
    subscriptions.rebuild().map(({ request, frames }) => [Buffer.from(request).toString(), frames]),
  ).toEqual([
    ['*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nb\r\n', 1],
    ['*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\np*\r\n', 1],
    ['*2\r\n$10\r\nSSUBSCRIBE\r\n$1\r\ns\r\n', 1],
  ])
  subscriptions.clear()
  expect([subscriptions.size, subscriptions.rebuild()]).toEqual([0, []])
})

test('what is no confirmation changes nothing', () => {
  for (const text of ['-NOPERM no\r\n', '+OK\r\n', '*0\r\n', '*1\r\n$9\r\nsubscribe\r\n']) {
    expect(after(Buffer.from(text)).size).toBe(0)
  }
  expect(after(frame('message', 'a', 'm')).size).toBe(0)
})
