import { describe, expect, test } from 'vitest'
import { RequestFramer, framed } from '../../../src/protocol/request-framer.ts'
import { defaultRequestLimits } from '../../../src/protocol/resp.ts'
import { everyByte, feedRequests, textOf } from './feeding.ts'

const ping = '*1\r\n$4\r\nPING\r\n'
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The canonical request of these words. */
function canonical(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

/** Both ways: in one chunk, and a byte at a time. */
function bothWays(input: string): { whole: string[]; bytewise: string[]; fault?: string } {
  const bytes = latin1(input)
  const whole = feedRequests(bytes, [])
  const bytewise = feedRequests(bytes, everyByte(bytes))
  expect(bytewise.fault).toBe(whole.fault)
  const texts = {
    whole: whole.seen.map((request) => request.text),
    bytewise: bytewise.seen.map((request) => request.text),
  }
  return whole.fault === undefined ? texts : { ...texts, fault: whole.fault }
}

const refused = (text: string): string => `-ERR Protocol error: ${text}\r\n`

/** What a client sends, and the requests that a redis-server 7.0.15 took it for. */
const accepted: [what: string, input: string, ...requests: string[]][] = [
  ['a request', ping, ping],
  ['two', ping + canonical('GET', 'a'), ping, canonical('GET', 'a')],
  ['any two bytes behind an argument', '*1\r\n$4\r\nPINGxx', ping],
  ['a CR without LF behind an argument', '*1\r\n$4\r\nPING\rx', ping],
  ['an LF without CR behind an argument', '*1\r\n$4\r\nPINGx\n', ping],
  ['any byte behind the CR of a count', '*1\rX$4\r\nPING\r\n', ping],
  ['any byte behind the CR of a length', '*1\r\n$4\rXPING\r\n', ping],
  ['*0', `*0\r\n${ping}`, ping],
  ['*-1', `*-1\r\n${ping}`, ping],
  ['*-5', `*-5\r\n${ping}`, ping],
  ['the least int64', `*-9223372036854775808\r\n${ping}`, ping],
  ['an empty name', '*1\r\n$0\r\n\r\n', canonical('')],
  ['a length too short', '*2\r\n$4\r\nECHO\r\n$3\r\na\r\nb\r\n', canonical('ECHO', 'a\r\n')],
  ['empty lines', `\r\n\n\n   \r\n${ping}`, ping],
  ['LF alone', 'PING\n', ping],
  ['two CRs', 'PING\r\r\n', ping],
  ['a CR between words', 'ECHO a\rb\n', canonical('ECHO', 'a', 'b')],
  ['a CR before', '\rPING\n', ping],
  [
    'escapes',
    'ECHO "a\\n\\r\\t\\b\\a\\x41\\q\\\\\\""\r\n',
    canonical('ECHO', 'a\n\r\t\b\x07Aq\\"'),
  ],
  ['single quotes', "ECHO 'a\\'b\\n\\x41'\r\n", canonical('ECHO', "a'b\\n\\x41")],
  ['quotes within a word', 'ECHO a"b c"\r\n', canonical('ECHO', 'ab c')],
  ['an empty argument', 'ECHO ""\r\n', canonical('ECHO', '')],
  ['an empty inline name', '""\r\n', canonical('')],
  ['\\x without hex digits', 'ECHO "\\xZZ\\x4"\r\n', canonical('ECHO', 'xZZx4')],
  ['a backslash without quotes', 'ECHO a\\nb\r\n', canonical('ECHO', 'a\\nb')],
  ['a vertical tab within a word', 'ECHO a\vb\r\n', canonical('ECHO', 'a\vb')],
  ['a vertical tab before a word', 'ECHO \v\fa\r\n', canonical('ECHO', 'a')],
  ['a vertical tab behind a quote', 'ECHO "a"\v\r\n', canonical('ECHO', 'a')],
  ['tabs and spaces', '  ECHO\ta  \r\n', canonical('ECHO', 'a')],
  ['the other quote', 'ECHO "it\'s" \'a"b\'\r\n', canonical('ECHO', "it's", 'a"b')],
  ['bytes beyond ASCII', 'ECHO "\xff\xc3"\r\n', canonical('ECHO', '\xff\xc3')],
  ['a length as inline name', '$4\r\nPING\r\n', canonical('$4'), ping],
]

/** What a client sends, and the words with which a redis-server 7.0.15 closes the connection. */
const refusals: [input: string, text: string][] = [
  ['*-0\r\n', 'invalid multibulk length'],
  ['*+1\r\n', 'invalid multibulk length'],
  ['*01\r\n', 'invalid multibulk length'],
  ['* 1\r\n', 'invalid multibulk length'],
  ['*\r\n', 'invalid multibulk length'],
  ['*-\r\n', 'invalid multibulk length'],
  ['*x\r\n', 'invalid multibulk length'],
  ['*1x\r\n', 'invalid multibulk length'],
  ['*-9223372036854775809\r\n', 'invalid multibulk length'],
  ['*9223372036854775808\r\n', 'invalid multibulk length'],
  ['*2147483648\r\n', 'invalid multibulk length'],
  [`*${'0'.repeat(26)}1\r\n`, 'invalid multibulk length'],
  ['*1\r\nx4\r\n', "expected '$', got 'x'"],
  ['*1\r\n\r\n', "expected '$', got ' '"],
  ['*1\r\n\n\r\n', "expected '$', got ' '"],
  ['*1\r\n*1\r\n', "expected '$', got '*'"],
  ['*1\r\n\xff\r\n', "expected '$', got '\xff'"],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$\r\n', 'invalid bulk length'],
  ['*1\r\n$-0\r\n', 'invalid bulk length'],
  ['*1\r\n$04\r\nPING\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$4294967296\r\n', 'invalid bulk length'],
  ['*3\r\n$4\r\nECHO\r\n$1\r\na\r\n$x\r\n', 'invalid bulk length'],
  ['ECHO "a"b\r\n', 'unbalanced quotes in request'],
  ['ECHO "a\r\n', 'unbalanced quotes in request'],
  ['ECHO "a\\"\r\n', 'unbalanced quotes in request'],
  ["ECHO 'a\r\n", 'unbalanced quotes in request'],
  ["ECHO 'a'b\r\n", 'unbalanced quotes in request'],
  ['ECHO a"b c"d\r\n', 'unbalanced quotes in request'],
  ['a'.repeat(65_537), 'too big inline request'],
  [`PING\0\r\n${'a'.repeat(65_536)}`, 'too big inline request'],
  [`*${'1'.repeat(65_536)}`, 'too big mbulk count string'],
  [`*1\0\r\n${'a'.repeat(65_536)}`, 'too big mbulk count string'],
  [`*1\r\n$${'1'.repeat(65_536)}`, 'too big bulk count string'],
  [`*1\r\nx${'1'.repeat(65_536)}`, 'too big bulk count string'],
]

/** Beginnings to which a redis-server 7.0.15 answers nothing: it waits for more. */
const waits = [
  '*1\n$4\nPING\n',
  '*2147483647\r\n',
  '*1048577\r\n$1\r\n',
  '*1\r\nx',
  '*1\r\nx\r',
  '*1\r\n$536870912\r\n',
  `*1\0\r\n${ping}`,
  `*1\r\n$4\0\r\nPING\r\n`,
  `PING\0\r\n${ping}`,
  '\0PING\r\n',
  'a'.repeat(65_536),
  `*${'1'.repeat(65_535)}`,
  `*1\r\n$${'1'.repeat(65_535)}`,
  '*1\r\n$4\r\nPING\r',
]

describe('what the server accepts', () => {
  test.each(accepted)('%s', (_what, input, ...requests) => {
    expect(bothWays(input)).toEqual({ whole: requests, bytewise: requests })
  })
})

describe('what the server refuses', () => {
  test.each(refusals.map(([input, text]) => [input.slice(0, 40), input, text] as const))(
    '%j',
    (_shown, input, text) => {
      expect(bothWays(ping + input)).toEqual({
        whole: [ping],
        bytewise: [ping],
        fault: refused(text),
      })
    },
  )

  test('and the framer is dead afterwards', () => {
    const { framer } = feedRequests(latin1('*x\r\n'), [])
    expect(framer.next(latin1(ping), 0, ping.length)).toBe(framed.fault)
    expect(framer.pendingBytes).toBe(0)
  })
})

describe('what the server waits for', () => {
  test.each(waits.map((input) => [input.slice(0, 40), input] as const))('%j', (_shown, input) => {
    expect(bothWays(input)).toEqual({ whole: [], bytewise: [] })
  })
})

describe('before a client has authenticated', () => {
  const cases: [what: string, input: string, requests: number, fault: string | undefined][] = [
    ['ten arguments', canonical(...Array.from('abcdefghij')), 1, undefined],
    ['eleven', '*11\r\n', 0, 'unauthenticated multibulk length'],
    ['16,384 bytes', canonical('a'.repeat(16_384)), 1, undefined],
    ['16,385 bytes', canonical('a'.repeat(16_385)), 0, 'unauthenticated bulk length'],
    ['a count beyond all limits', '*2147483648\r\n', 0, 'invalid multibulk length'],
    ['a length beyond all limits', '*1\r\n$536870913\r\n', 0, 'invalid bulk length'],
    ['any inline request', `ECHO ${'a '.repeat(10_000)}\r\n`, 1, undefined],
  ]
  test.each(cases)('%s', (_what, input, requests, fault) => {
    for (const cuts of [[], [7]]) {
      const result = feedRequests(latin1(input), cuts, {}, false)
      expect(result.seen.length).toBe(requests)
      expect(result.fault).toBe(fault === undefined ? undefined : refused(fault))
      expect(feedRequests(latin1(input), cuts).fault ?? '').not.toContain('unauthenticated')
    }
  })
})

describe('where the bytes are', () => {
  test('a request that lies whole in the chunk stays there', () => {
    const framer = new RequestFramer(defaultRequestLimits)
    const chunk = latin1(`${ping}${canonical('GET', 'key')}`)
    expect(framer.next(chunk, 0, chunk.length)).toBe(framed.request)
    expect(framer.next(chunk, framer.position, chunk.length)).toBe(framed.request)
    expect(framer.bytes).toBe(chunk)
    expect(framer.owned).toBe(false)
    expect([framer.start, framer.end, framer.position]).toEqual([14, 36, 36])
    expect(textOf(chunk.subarray(framer.nameStart, framer.nameEnd))).toBe('GET')
    expect(textOf(chunk.subarray(framer.subStart, framer.subEnd))).toBe('key')
  })

  test('a split one is the consumer’s to keep, and nothing is held afterwards', () => {
    const framer = new RequestFramer(defaultRequestLimits)
    const bytes = latin1(canonical('GET', 'key'))
    expect(framer.next(bytes, 0, 10)).toBe(framed.more)
    expect(framer.pendingBytes).toBeGreaterThan(0)
    expect(framer.next(bytes, 10, bytes.length)).toBe(framed.request)
    expect(framer.owned).toBe(true)
    expect(framer.bytes).not.toBe(bytes)
    expect(framer.pendingBytes).toBe(0)
    expect(framer.next(bytes, bytes.length, bytes.length)).toBe(framed.more)
    expect(framer.bytes.length).toBe(0)
  })

  test('name and first argument of split and inline requests', () => {
    const input = latin1(`${canonical('SET', 'key', 'value')}set 'a key' 1\r\nPING\r\n`)
    for (const cuts of [[], [3], [12], everyByte(input)]) {
      const seen = feedRequests(input, cuts).seen.map(({ name, sub, argc }) => [name, sub, argc])
      expect(seen).toEqual([
        ['SET', 'key', 3],
        ['set', 'a key', 3],
        ['PING', undefined, 1],
      ])
    }
  })

  test('an argument of 1 MiB is reserved for as it arrives, not as it is announced', () => {
    const size = 1024 * 1024
    const limits = { streamAboveBytes: 2 * size }
    const announced = latin1(`*2\r\n$3\r\nSET\r\n$${size}\r\n${'a'.repeat(200)}`)
    expect(feedRequests(announced, [], limits).held).toBeLessThan(20_000)
    expect(feedRequests(announced, everyByte(announced), limits).held).toBeLessThan(20_000)
    const input = latin1(canonical('SET', 'a'.repeat(size)))
    const result = feedRequests(input, [100_000, 200_000, 300_000, 600_000], limits)
    expect(result.seen.map((request) => request.text.length)).toEqual([input.length])
    expect(result.held).toBeLessThanOrEqual(input.length)
  })
})

describe('a request that is too large to gather', () => {
  const limits = { streamAboveBytes: 1000 }

  test('is announced with what is known of it, then passed on without a copy', () => {
    const framer = new RequestFramer({ ...defaultRequestLimits, ...limits })
    const head = '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2000\r\n'
    const chunk = latin1(`${head}${'v'.repeat(500)}`)
    expect(framer.next(chunk, 0, chunk.length)).toBe(framed.big)
    expect(textOf(framer.bytes.subarray(framer.start, framer.end))).toBe(head)
    expect(framer.argc).toBe(3)
    expect(textOf(framer.bytes.subarray(framer.nameStart, framer.nameEnd))).toBe('SET')
    expect(textOf(framer.bytes.subarray(framer.subStart, framer.subEnd))).toBe('key')
    expect(framer.next(chunk, framer.position, chunk.length)).toBe(framed.part)
    expect(framer.bytes).toBe(chunk)
    expect([framer.start, framer.end]).toEqual([head.length, chunk.length])
    expect(framer.next(chunk, framer.position, chunk.length)).toBe(framed.more)
    expect(framer.pendingBytes).toBe(0)
    const last = latin1(`${'v'.repeat(1500)}\r\n${ping}`)
    expect(framer.next(last, 0, last.length)).toBe(framed.partEnd)
    expect(framer.end).toBe(1502)
    expect(framer.next(last, framer.position, last.length)).toBe(framed.request)
  })

  const long = 'x'.repeat(2000)
  const name = 'n'.repeat(70_000)
  const cases: [what: string, words: string[], name: string, sub: string | undefined][] = [
    ['by its value', ['SET', 'key', long], 'SET', 'key'],
    ['by its first argument', ['ECHO', long], 'ECHO', undefined],
    ['by the sum', ['MSET', ...Array.from({ length: 300 }, () => 'ab')], 'MSET', 'ab'],
    ['by its name', [name, 'a', 'b'], '', undefined],
    ['by its name alone', [name], '', undefined],
  ]
  test.each(cases)('%s', (_what, words, expectedName, sub) => {
    const text = canonical(...words)
    const input = latin1(`${text}${ping}`)
    for (const cuts of [[], [5], [20, 40, 1000], everyByte(input)]) {
      const { seen, held } = feedRequests(input, cuts, limits)
      const big = { text, argc: words.length, name: expectedName, sub, isBig: true }
      expect(seen).toEqual([big, expect.objectContaining({ text: ping, isBig: false })])
      expect(held).toBeLessThan(4096)
    }
  })

  test('by its name, though it lies whole in the chunk', () => {
    for (const cuts of [[], [100]]) {
      const { seen } = feedRequests(latin1(canonical(name, 'a')), cuts, { streamAboveBytes: 2e5 })
      expect(seen.map((request) => [request.isBig, request.name])).toEqual([[true, '']])
    }
  })

  test('and its line ends are put right', () => {
    const sloppy = `*4\rx$3\r\nSET??$3\r\nkeyab$2000\ry${long}z\n$1\r!kxy`
    const input = latin1(sloppy + ping)
    for (const cuts of [[], everyByte(input), [2010], [2040]]) {
      const { seen } = feedRequests(input, cuts, limits)
      expect(seen.map((request) => request.text)).toEqual([
        canonical('SET', 'key', long, 'k'),
        ping,
      ])
    }
  })

  test('and it may still turn out to be malformed', () => {
    for (const line of ['$x\r\n', '$$1\r\nk\r\n', '$536870913\r\n', '$-1\r\n']) {
      const input = latin1(`*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2000\r\n${long}\r\n${line}`)
      for (const cuts of [[], everyByte(input), [input.length - line.length + 1]]) {
        const result = feedRequests(input, cuts, limits)
        expect(result.fault).toBe(refused('invalid bulk length'))
        expect(result.rest.endsWith(`${long}\r\n`)).toBe(true)
      }
    }
  })

  test('512 MiB are announced, and one byte more is refused, at no cost', () => {
    const most = feedRequests(latin1('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc'), [])
    expect(most.rest.endsWith('abc')).toBe(true)
    expect(most.held).toBe(0)
    const more = feedRequests(latin1('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870913\r\nabc'), [])
    expect(more.fault).toBe(refused('invalid bulk length'))
  })
})

test('100,000 empty requests cost neither stack nor memory', () => {
  const input = latin1(`${'*0\r\n\r\n'.repeat(100_000)}${ping}`)
  const result = feedRequests(input, [])
  expect(result.seen.length).toBe(1)
  expect(result.held).toBe(0)
})
