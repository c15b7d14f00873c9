import fc from 'fast-check'
import RedisParser from 'redis-parser'
import { describe, expect, test } from 'vitest'
import { ProtocolFault } from '../../../src/protocol/reply-framer.ts'
import { everyByte, feedReplies } from './feeding.ts'

// A failing property prints its seed and its path; SEED=… runs it again.
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const settings = { numRuns: 300, seed }

const anyByte = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte))
const body = fc.array(anyByte, { maxLength: 40 }).map((chars) => chars.join(''))
const line = body.map((text) => text.replace(/[\r\n]/g, ' '))
const cutsOf = fc.array(fc.nat({ max: 5000 }), { maxLength: 30 })

const bulk = (text: string, type = '$'): string => `${type}${text.length}\r\n${text}\r\n`
const scalar2 = fc.oneof(
  fc.tuple(fc.constantFrom('+', '-'), line).map(([type, text]) => `${type}${text}\r\n`),
  fc.integer().map((n) => `:${n}\r\n`),
  body.map((text) => bulk(text)),
  fc.constantFrom('$-1\r\n', '*-1\r\n', '*0\r\n', '$0\r\n\r\n'),
)
const scalar3 = fc.oneof(
  scalar2,
  fc.constantFrom('_\r\n', '#t\r\n', '#f\r\n', ',1.5\r\n', ',nan\r\n', '%0\r\n', '~0\r\n'),
  fc.bigInt().map((n) => `(${n}\r\n`),
  fc.tuple(fc.constantFrom('=', '!'), body).map(([type, text]) => bulk(`txt:${text}`, type)),
)

/** A message in the middle of another reply, as servers up to 7.0 write it; or an attribute. */
const stray = fc.oneof(
  fc
    .tuple(fc.constantFrom('message', 'smessage', 'pmessage', 'invalidate'), scalar3)
    .map(([kind, item]) => `>2\r\n${bulk(kind)}${item}`),
  scalar3.map((item) => `|1\r\n+ttl\r\n${item}`),
)
const subscribed = fc.constant('>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n')

const { reply2, reply3 } = fc.letrec<{ reply2: string; reply3: string }>((tie) => ({
  reply2: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar2,
    fc
      .array(tie('reply2'), { maxLength: 5 })
      .map((items) => `*${items.length}\r\n${items.join('')}`),
  ),
  reply3: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar3,
    fc
      .tuple(
        fc.constantFrom('*', '~', '>'),
        fc.array(fc.tuple(fc.option(stray), fc.oneof(tie('reply3'), subscribed)), { maxLength: 5 }),
      )
      .map(([type, items]) => {
        // A push is inside other replies only as one of those above.
        const name = type === '>' ? '*' : type
        return `${name}${items.length}\r\n${items.map(([a, b]) => (a ?? '') + b).join('')}`
      }),
    fc
      .array(fc.tuple(fc.option(stray), tie('reply3'), fc.option(stray), tie('reply3')), {
        maxLength: 3,
      })
      .map(
        (pairs) =>
          `%${pairs.length}\r\n${pairs
            .flat()
            .map((item) => item ?? '')
            .join('')}`,
      ),
  ),
}))

const top3 = fc.oneof(
  reply3,
  reply3,
  reply3.map((reply) => `|1\r\n+a\r\n:1\r\n${reply}`),
  reply3.map((item) => `>2\r\n$7\r\nmessage\r\n${item}`),
)

function within(cuts: readonly number[], length: number): number[] {
  return cuts.map((cut) => cut % (length + 1))
}

function ends(replies: readonly string[]): number[] {
  let offset = 0
  return replies.map((reply) => (offset += reply.length))
}

describe('however the bytes are cut', () => {
  test('each reply ends where it ends', () => {
    fc.assert(
      fc.property(fc.array(top3, { maxLength: 8 }), cutsOf, (replies, cuts) => {
        const input = Buffer.from(replies.join(''), 'latin1')
        for (const at of [[], within(cuts, input.length), everyByte(input)]) {
          const { found, thrown, framer } = feedReplies(input, at)
          expect(thrown).toBeUndefined()
          expect(found.map(([behind]) => behind)).toEqual(ends(replies))
          expect(framer.midFrame).toBe(false)
        }
      }),
      settings,
    )
  })

  test('nonsense comes to the same frames and throws nothing but a ProtocolFault', () => {
    const bits = fc.constantFrom(
      ...['*', '$', '\r\n', '\r', '\n', '0', '1', '2', '-', '%', '~', '>', '|', '=', '_', '#', '+'],
      ...['*1\r\n', '*2\r\n', '%1\r\n', '|1\r\n', '>2\r\n', '$1\r\na\r\n', ':1\r\n', '+a\r\n'],
      ...['$7\r\nmessage\r\n', '$-1\r\n', '$9007199254740991\r\n', '*9007199254740991\r\n'],
    )
    const garbage = fc.array(fc.oneof({ weight: 6, arbitrary: bits }, anyByte), { maxLength: 40 })
    fc.assert(
      fc.property(garbage, cutsOf, (pieces, cuts) => {
        const input = Buffer.from(pieces.join(''), 'latin1')
        const whole = feedReplies(input, [])
        if (whole.thrown !== undefined) expect(whole.thrown).toBeInstanceOf(ProtocolFault)
        for (const at of [within(cuts, input.length), everyByte(input)]) {
          const other = feedReplies(input, at)
          expect(other.found).toEqual(whole.found)
          expect(String(other.thrown)).toBe(String(whole.thrown))
        }
      }),
      { ...settings, numRuns: 3000 },
    )
  })
})

test('redis-parser finds the same RESP2 replies between the same offsets', () => {
  fc.assert(
    fc.property(fc.array(reply2, { minLength: 1, maxLength: 8 }), cutsOf, (replies, cuts) => {
      const input = Buffer.from(replies.join(''), 'latin1')
      const { found } = feedReplies(input, within(cuts, input.length))
      expect(found.length).toBe(replies.length)
      let count = 0
      const parser = new RedisParser({
        returnReply: () => count++,
        returnError: () => count++,
        returnFatalError: (error) => {
          throw error
        },
      })
      let from = 0
      found.forEach(([behind], i) => {
        // All but the last byte is not enough, and with the last byte it is one reply.
        parser.execute(Buffer.from(input.subarray(from, behind - 1)))
        expect(count).toBe(i)
        parser.execute(Buffer.from(input.subarray(behind - 1, behind)))
        expect(count).toBe(i + 1)
        from = behind
      })
    }),
    settings,
  )
})
