import { describe, expect, test } from 'vitest'
import { ProtocolFault, ReplyFramer } from '../../../src/protocol/reply-framer.ts'
import { limits } from '../../../src/protocol/resp.ts'
import { everyByte, feedReplies } from './feeding.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const push = '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n'

/** One whole frame each, and its type. */
const frames: [what: string, frame: string, type: string][] = [
  ['simple string', '+OK\r\n', '+'],
  ['empty simple string', '+\r\n', '+'],
  ['error', '-ERR no\r\n', '-'],
  ['integer', ':-12\r\n', ':'],
  ['bulk', '$3\r\nabc\r\n', '$'],
  ['bulk with line ends in it', '$6\r\n\r\n$1\r\n\r\n', '$'],
  ['empty bulk', '$0\r\n\r\n', '$'],
  ['bulk of 100 bytes', `$100\r\n${'a'.repeat(100)}\r\n`, '$'],
  ['null bulk', '$-1\r\n', '$'],
  ['array', '*2\r\n:1\r\n$1\r\na\r\n', '*'],
  ['empty array', '*0\r\n', '*'],
  ['null array', '*-1\r\n', '*'],
  ['nested arrays', '*2\r\n*1\r\n*0\r\n*1\r\n:1\r\n', '*'],
  ['null', '_\r\n', '_'],
  ['boolean', '#t\r\n', '#'],
  ['double', ',-inf\r\n', ','],
  ['big number', '(123456789012345678901234567890\r\n', '('],
  ['bulk error', '!5\r\nERR a\r\n', '!'],
  ['verbatim', '=7\r\ntxt:abc\r\n', '='],
  ['map', '%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n', '%'],
  ['empty map', '%0\r\n', '%'],
  ['set', '~2\r\n+a\r\n+b\r\n', '~'],
  ['push', push, '>'],
  ['attribute and reply', '|1\r\n+ttl\r\n:3600\r\n*1\r\n:1\r\n', '*'],
  ['empty attribute and reply', '|0\r\n+OK\r\n', '+'],
  ['two attributes', '|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n+OK\r\n', '+'],
  ['attribute within an array', '*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n', '*'],
  ['an attribute of a push', `|1\r\n+a\r\n+b\r\n${push}`, '>'],
  // A server up to 7.0 puts these into the middle of other replies.
  ['message first in an array', `*2\r\n${push}:1\r\n:2\r\n`, '*'],
  ['message last in an array', `*2\r\n:1\r\n${push}:2\r\n`, '*'],
  ['message between key and value', `%1\r\n$2\r\nst\r\n${push}*1\r\n:1\r\n`, '%'],
  ['two messages, two levels down', `*1\r\n*2\r\n:1\r\n${push}${push}:2\r\n`, '*'],
  ['pmessage', '*1\r\n>4\r\n$8\r\npmessage\r\n+p\r\n+c\r\n+m\r\n:1\r\n', '*'],
  ['smessage', '*1\r\n>3\r\n$8\r\nsmessage\r\n+c\r\n+m\r\n:1\r\n', '*'],
  ['invalidate', '*1\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n:1\r\n', '*'],
  ['redirection broken', '*1\r\n>2\r\n$21\r\ntracking-redir-broken\r\n:7\r\n:1\r\n', '*'],
  ['message as a simple string', '*1\r\n>3\r\n+message\r\n+c\r\n+m\r\n:1\r\n', '*'],
  ['message with an attribute', '*1\r\n>2\r\n|1\r\n+a\r\n+b\r\n$7\r\nmessage\r\n+c\r\n:1\r\n', '*'],
  ['message within a message', `*1\r\n>3\r\n${push}$7\r\nmessage\r\n+c\r\n+m\r\n:1\r\n`, '*'],
  // Any other push counts: what EXEC answers to a SUBSCRIBE that was queued.
  ['subscribe', '*1\r\n>3\r\n$9\r\nsubscribe\r\n+c\r\n:1\r\n', '*'],
  ['a longer kind', '*1\r\n>1\r\n$8\r\nmessages\r\n', '*'],
  ['a shorter kind', '*1\r\n>1\r\n$6\r\nmessag\r\n', '*'],
  ['a much longer kind', `*1\r\n>1\r\n$40\r\ninvalidate${'x'.repeat(30)}\r\n`, '*'],
  ['an empty push', '*1\r\n>0\r\n', '*'],
  ['a kind that is a number', '*1\r\n>2\r\n:1\r\n$7\r\nmessage\r\n', '*'],
  ['a kind that is an array', '*1\r\n>2\r\n*1\r\n$7\r\nmessage\r\n:1\r\n', '*'],
  ['message in second place', '*1\r\n>2\r\n$1\r\na\r\n$7\r\nmessage\r\n', '*'],
]

describe('one frame', () => {
  test.each(frames)('%s', (_what, frame, type) => {
    const input = latin1(`${frame}+next\r\n`)
    const expected = [
      [frame.length, type],
      [input.length, '+'],
    ]
    expect(feedReplies(input, []).found).toEqual(expected)
    expect(feedReplies(input, everyByte(input)).found).toEqual(expected)
    for (let cut = 1; cut < frame.length; cut++) {
      const part = feedReplies(input.subarray(0, cut), [])
      expect(part.found).toEqual([])
      expect(part.framer.midFrame).toBe(true)
      expect(feedReplies(input, [cut]).found).toEqual(expected)
    }
    expect(feedReplies(latin1(frame), []).framer.midFrame).toBe(false)
  })
})

test('an attribute is never the type', () => {
  const framer = new ReplyFramer()
  const attribute = latin1('|1\r\n+a\r\n+b\r\n')
  expect(framer.next(attribute, 0, attribute.length)).toBe(-1)
  expect(framer.type).toBe(0)
  expect(framer.midFrame).toBe(true)
  expect(framer.next(latin1('+OK\r\n'), 0, 5)).toBe(5)
  expect(framer.midFrame).toBe(false)
})

const malformed = [
  ...['x', '\r\n', '?', '\0', '$?\r\n', '*?\r\n', '%?\r\n', ';4\r\n', '.\r\n'],
  ...[
    '$\r\n',
    '$-\r\n',
    '$-0\r\n',
    '$-2\r\n',
    '$--1\r\n',
    '$01\r\na\r\n',
    '$00\r\n\r\n',
    '$+1\r\n',
    '$ 1\r\n',
  ],
  ...['$1 \r\n', '$a\r\n', '$1a\r\n', '$1\n', '$1\rX', '$1-\r\n', '$9007199254740992\r\n'],
  ...['$10000000000000000\r\n', '*-2\r\n', '*01\r\n', '*1a\r\n', '*9007199254740992\r\n'],
  ...['~-1\r\n', '>-1\r\n', '%-1\r\n', '|-1\r\n', '=-1\r\n', '!-1\r\n', '%9007199254740993\r\n'],
  ...['$1\r\nabc', '$1\r\na\rb', '$3\r\nabc\n\r', '$0\r\na', '+OK\rX', ':1\rX', '*1\r\n$1\r\nabc'],
  ...['*1\r\nx', '*1\r\n+a\rX', '*2\r\n:1\r\n$01\r\n', '*1\r\n:1\rX'],
]

describe('malformed bytes', () => {
  test.each(malformed)('%j', (bytes) => {
    for (const before of ['', '+OK\r\n']) {
      const input = latin1(before + bytes)
      for (const cuts of [[], everyByte(input)]) {
        const result = feedReplies(input, cuts)
        expect(result.thrown).toBeInstanceOf(ProtocolFault)
        expect(result.found.length).toBe(before === '' ? 0 : 1)
        expect(() => result.framer.next(latin1('+OK\r\n'), 0, 5)).toThrow(ProtocolFault)
      }
    }
  })
})

describe('large ones', () => {
  test('4 GB are waited for at no cost, and skipped without a look', () => {
    const framer = new ReplyFramer()
    const head = latin1('$4294967296\r\n')
    expect(framer.next(head, 0, head.length)).toBe(-1)
    const body = Buffer.alloc(4 * 1024 * 1024, '\r')
    const began = performance.now()
    for (let i = 0; i < 1024; i++) expect(framer.next(body, 0, body.length)).toBe(-1)
    expect(performance.now() - began).toBeLessThan(2000)
    expect(framer.next(latin1('\r\n+OK\r\n'), 0, 7)).toBe(2)
  })

  test('5,000 levels', () => {
    const input = latin1(`${'*1\r\n'.repeat(5000)}:1\r\n`.repeat(3))
    const behind = input.length / 3
    const expected = [behind, 2 * behind, 3 * behind].map((offset) => [offset, '*'])
    expect(feedReplies(input, []).found).toEqual(expected)
    expect(feedReplies(input, everyByte(input)).found).toEqual(expected)
  })

  test('as many levels as the limit, and one more', () => {
    const levels = '*1\r\n'.repeat(limits.nestingLevels)
    expect(feedReplies(latin1(`${levels}:1\r\n`), []).found.length).toBe(1)
    expect(feedReplies(latin1(`${levels}*1\r\n`), []).thrown).toBeInstanceOf(ProtocolFault)
    expect(feedReplies(latin1('*1\r\n'.repeat(100_000)), []).thrown).toBeInstanceOf(ProtocolFault)
  })

  test('100,000 elements, each an empty array', () => {
    const input = latin1(`*100000\r\n${'*0\r\n'.repeat(100_000)}`)
    expect(feedReplies(input, []).found).toEqual([[input.length, '*']])
  })

  test('a line has an end within 1 GiB', () => {
    const framer = new ReplyFramer()
    const piece = Buffer.alloc(16 * 1024 * 1024, 'a')
    expect(framer.next(latin1('+abcd'), 0, 5)).toBe(-1)
    for (let i = 0; i < 63; i++) expect(framer.next(piece, 0, piece.length)).toBe(-1)
    expect(framer.next(piece, 0, piece.length - 4)).toBe(-1)
    expect(() => framer.next(piece, 0, 1)).toThrow(ProtocolFault)
  })
})
