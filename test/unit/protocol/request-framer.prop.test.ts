import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { everyByte, feedRequests } from './feeding.ts'

// A failing property prints its seed and its path; SEED=… runs it again.
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const settings = { numRuns: 300, seed }

const anyByte = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte))
const bytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(anyByte, { maxLength }).map((chars) => chars.join(''))
const sloppyEnd = fc.oneof(
  fc.constantFrom('\r\n', '\rx', 'x\n', '\n\r', '\r\r', '\n\n', '$1'),
  fc.tuple(anyByte, anyByte).map((two) => two.join('')),
)
const lineEnd = fc.oneof(
  fc.constant('\r\n'),
  anyByte.map((byte) => `\r${byte}`),
)
const words = fc.array(fc.oneof(bytes(6), bytes(80)), { minLength: 1, maxLength: 6 })

/** What is sent, and the request that must come out. */
interface Sent {
  readonly wire: string
  readonly words: readonly string[] | null
}

function canonical(list: readonly string[]): string {
  return `*${list.length}\r\n${list.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

const multibulk: fc.Arbitrary<Sent> = words.map((list) => ({ wire: canonical(list), words: list }))

const sloppy: fc.Arbitrary<Sent> = words.chain((list) =>
  fc
    .tuple(lineEnd, fc.array(fc.tuple(lineEnd, sloppyEnd), { minLength: 6, maxLength: 6 }))
    .map(([first, ends]) => ({
      wire: `*${list.length}${first}${list
        .map((word, i) => `$${word.length}${ends[i]?.[0]}${word}${ends[i]?.[1]}`)
        .join('')}`,
      words: list,
    })),
)

const quoted = (word: string): string =>
  `"${word.replace(/[^ -~]|["\\]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`

const inline: fc.Arbitrary<Sent> = fc
  .tuple(words, fc.constantFrom('\n', '\r\n'), fc.constantFrom(' ', '\t', '   '))
  .map(([list, end, gap]) => ({ wire: list.map(quoted).join(gap) + end, words: list }))

const nothing: fc.Arbitrary<Sent> = fc
  .constantFrom('*0\r\n', '*-1\r\n', '\r\n', '\n', '  \n')
  .map((wire) => ({ wire, words: null }))

const sequence = fc.array(fc.oneof(multibulk, multibulk, sloppy, inline, nothing), {
  minLength: 1,
  maxLength: 12,
})
const cutsOf = fc.array(fc.nat({ max: 2000 }), { maxLength: 30 })

function within(cuts: readonly number[], length: number): number[] {
  return cuts.map((cut) => cut % (length + 1))
}

describe('however the bytes are cut', () => {
  test('the same requests come out, small or big', () => {
    fc.assert(
      fc.property(sequence, cutsOf, fc.constantFrom(40, 120, 100_000), (sent, cuts, above) => {
        const input = Buffer.from(sent.map(({ wire }) => wire).join(''), 'latin1')
        const limits = { streamAboveBytes: above }
        const expected = sent.flatMap(({ words: list, wire }) => {
          if (list === null) return []
          const text = canonical(list)
          // An inline request is whole when it is understood; it is never streamed.
          const isBig = wire.startsWith('*') && list.length > 1 && text.length > above
          return [{ text, argc: list.length, name: list[0], isBig }]
        })
        for (const at of [[], within(cuts, input.length), everyByte(input)]) {
          const { seen, fault, rest, framer } = feedRequests(input, at, limits)
          expect(fault).toBeUndefined()
          expect(seen.map(({ text, argc, name, isBig }) => ({ text, argc, name, isBig }))).toEqual(
            expected,
          )
          expect(rest).toBe('')
          expect(framer.pendingBytes).toBe(0)
        }
      }),
      settings,
    )
  })

  test('the first argument is known, or is itself what makes the request big', () => {
    fc.assert(
      fc.property(sequence, cutsOf, fc.constantFrom(40, 120), (sent, cuts, above) => {
        const input = Buffer.from(sent.map(({ wire }) => wire).join(''), 'latin1')
        const { seen } = feedRequests(input, within(cuts, input.length), {
          streamAboveBytes: above,
        })
        const lists = sent.flatMap(({ words: list }) => (list === null ? [] : [list]))
        seen.forEach((request, i) => {
          const list = lists[i] ?? []
          const until = canonical(list.slice(0, 2)).length
          const isItself = request.isBig && until > above
          expect(request.sub).toBe(isItself ? undefined : list[1])
        })
      }),
      settings,
    )
  })

  test('nonsense comes to the same requests and the same refusal', () => {
    const bits = fc.constantFrom(
      ...['*', '$', '\r\n', '\r', '\n', '0', '1', '2', '3', '-', ' ', '"', "'", '\\', 'x', '\0'],
      ...[
        '*1\r\n',
        '*2\r\n',
        '*3\r\n',
        '$1\r\na\r\n',
        '$0\r\n\r\n',
        '$3\r\nGETxy',
        '$50\r\n',
        'PING\n',
      ],
    )
    const garbage = fc.array(fc.oneof(bits, bits, anyByte), { maxLength: 60 })
    fc.assert(
      fc.property(garbage, cutsOf, fc.boolean(), (pieces, cuts, authenticated) => {
        const input = Buffer.from(pieces.join(''), 'latin1')
        const limits = { maxInlineBytes: 30, maxBulkBytes: 60, streamAboveBytes: 40 }
        const whole = feedRequests(input, [], limits, authenticated)
        for (const at of [within(cuts, input.length), everyByte(input)]) {
          const other = feedRequests(input, at, limits, authenticated)
          expect(other.seen).toEqual(whole.seen)
          expect(other.fault).toEqual(whole.fault)
          expect(other.rest).toEqual(whole.rest)
          expect(other.held).toBeLessThan(1024)
        }
        for (const { text } of whole.seen) {
          const again = feedRequests(Buffer.from(text, 'latin1'), [])
          expect(again.seen.map((request) => request.text)).toEqual([text])
        }
      }),
      { ...settings, numRuns: 2000 },
    )
  })
})
