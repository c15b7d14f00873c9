import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Subscriptions } from '../../../src/downstream/subscriptions.ts'
import { firstElement } from '../../../src/protocol/reply.ts'

const messages = ['message', 'pmessage', 'smessage']
const confirmations = ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe']
const others = ['invalidate', 'pong', 'messag', 'messages', 'MESSAGE', '', 'xmessage']
const word = fc.oneof(
  fc.constantFrom(...messages, ...confirmations, 'sunsubscribe', ...others),
  fc.string({ maxLength: 15 }).map((text) => Buffer.from(text).toString('latin1')),
)

/** One element as the server may write it: most often a bulk string. */
const element = fc.oneof(
  { weight: 5, arbitrary: word.map((text) => `$${text.length}\r\n${text}\r\n`) },
  word.map((text) => `+${text.replace(/[\r\n]/g, '')}\r\n`),
  word.map((text) => `=${text.length + 4}\r\ntxt:${text}\r\n`),
  fc.integer().map((n) => `:${n}\r\n`),
  fc.constantFrom('$-1\r\n', '_\r\n', '*0\r\n', '*1\r\n$7\r\nmessage\r\n', ':0\r\n'),
  word.map((text) => `|1\r\n+a\r\n+b\r\n$${text.length}\r\n${text}\r\n`),
)

const frame = fc
  .tuple(fc.constantFrom('', '|1\r\n+a\r\n+b\r\n'), fc.array(element, { maxLength: 4 }))
  .map(([attribute, elements]) => (type: string) => {
    return Buffer.from(`${attribute}${type}${elements.length}\r\n${elements.join('')}`, 'latin1')
  })

test('a frame is a push by its first element, read in place as if it were decoded', () => {
  fc.assert(
    fc.property(frame, fc.boolean(), fc.constantFrom(2, 3), (make, subscribed, resp) => {
      const subscriptions = new Subscriptions()
      if (subscribed) subscriptions.channels.add('a')
      for (const type of ['*', '>']) {
        const bytes = make(type)
        const around = Buffer.concat([
          Buffer.from('$7\r\nmess'),
          bytes,
          Buffer.from('$7\r\nmessage\r\n'),
        ])
        const [start, end] = [8, 8 + bytes.length]
        const first = firstElement(around, start, end)
        const expected =
          type === '>'
            ? !confirmations.includes(first) && first !== 'sunsubscribe'
            : resp === 2 && subscribed && messages.includes(first)
        const code = type.charCodeAt(0)
        expect(subscriptions.isPush(resp, code, around, start, end)).toBe(expected)
      }
    }),
    { numRuns: 2_000, verbose: true },
  )
})
