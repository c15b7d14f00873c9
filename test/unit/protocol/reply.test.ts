import { describe, expect, test } from 'vitest'
import { ProtocolFault } from '../../../src/protocol/reply-framer.ts'
import {
  array,
  bulk,
  decodeReply,
  errorCode,
  fieldsOf,
  firstElement,
  integer,
  isReplyError,
  map,
  nullReply,
  simpleError,
  simpleString,
} from '../../../src/protocol/reply.ts'
import { textOf } from './feeding.ts'
import type { Reply } from '../../../src/protocol/reply.ts'

/** A call on a frame that stands between other bytes. */
function on<T>(frame: string, call: (bytes: Uint8Array, start: number, end: number) => T): T {
  const bytes = Buffer.from(`+x\r\n${frame}+y\r\n`, 'latin1')
  return call(bytes, 4, bytes.length - 4)
}

const b = (text: string): Buffer => Buffer.from(text)

const firsts: [frame: string, first: string][] = [
  ['*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n', 'message'],
  ['>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n', 'subscribe'],
  ['>1\r\n+message\r\n', 'message'],
  ['|1\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n>1\r\n$3\r\nabc\r\n', 'abc'],
  ['*1\r\n:1\r\n', ''],
  ['*1\r\n$-1\r\n', ''],
  ['*0\r\n', ''],
  ['*-1\r\n', ''],
  ['$7\r\nmessage\r\n', ''],
  ['+message\r\n', ''],
]
test.each(firsts)('the first element of %j', (frame, first) => {
  expect(on(frame, firstElement)).toBe(first)
})

const codes: [frame: string, code: string][] = [
  ['-WRONGPASS invalid username\r\n', 'WRONGPASS'],
  ['-ERR\r\n', 'ERR'],
  ['!9\r\nNOAUTH no\r\n', 'NOAUTH'],
  ['|1\r\n+a\r\n+b\r\n-READONLY x\r\n', 'READONLY'],
  ['+OK\r\n', ''],
  ['*1\r\n-ERR x\r\n', ''],
]
test.each(codes)('the error code of %j', (frame, code) => {
  expect(on(frame, errorCode)).toBe(code)
})

const decoded: [frame: string, value: Reply][] = [
  ['+OK\r\n', b('OK')],
  [':-12\r\n', -12],
  [':9223372036854775807\r\n', 9223372036854775807n],
  ['(12345678901234567890123\r\n', 12345678901234567890123n],
  [',1.5\r\n', 1.5],
  [',-inf\r\n', -Infinity],
  [',nan\r\n', NaN],
  ['#t\r\n', true],
  ['#f\r\n', false],
  ['_\r\n', null],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['$4\r\na\r\nb\r\n', b('a\r\nb')],
  ['=7\r\ntxt:abc\r\n', b('abc')],
  ['-ERR no way\r\n', { kind: 'error', code: 'ERR', message: 'ERR no way' }],
  ['!5\r\nERR a\r\n', { kind: 'error', code: 'ERR', message: 'ERR a' }],
  ['*2\r\n*1\r\n:1\r\n~1\r\n+a\r\n', [[1], [b('a')]]],
  ['%1\r\n+a\r\n|1\r\n+x\r\n+y\r\n:1\r\n', { kind: 'map', entries: [[b('a'), 1]] }],
  ['*2\r\n>2\r\n$7\r\nmessage\r\n+c\r\n:1\r\n:2\r\n', [1, 2]],
  ['*1\r\n>2\r\n$9\r\nsubscribe\r\n+c\r\n', [[b('subscribe'), b('c')]]],
]
test.each(decoded)('decoding %j', (frame, value) => {
  expect(on(frame, decodeReply)).toEqual(value)
})

describe('decoding nonsense', () => {
  const nonsense = [
    ':abc\r\n',
    '?\r\n',
    '$x\r\n',
    '*1\r\n',
    '$99\r\na\r\n',
    '*1\r\n$9\r\na\r\n',
    '+a',
  ]
  const deep = ['*1\r\n'.repeat(5000), '|1\r\n'.repeat(5000)]
  test.each([...nonsense, ...deep].map((frame) => [frame.slice(0, 20), frame] as const))(
    '%j is a ProtocolFault',
    (_shown, frame) => {
      const bytes = b(frame)
      expect(() => decodeReply(bytes, 0, bytes.length)).toThrow(ProtocolFault)
    },
  )
})

test('the fields of HELLO are the same in both versions', () => {
  const entries: [string, Uint8Array][] = [
    ['server', bulk('redis')],
    ['proto', integer(3)],
    ['modules', array([])],
  ]
  for (const resp of [2, 3] as const) {
    const bytes = map(resp, entries)
    const fields = fieldsOf(decodeReply(bytes, 0, bytes.length))
    expect([...fields]).toEqual([
      ['server', b('redis')],
      ['proto', 3],
      ['modules', []],
    ])
  }
  expect(fieldsOf({ kind: 'error', code: 'ERR', message: 'ERR' }).size).toBe(0)
})

test('encoders', () => {
  expect(textOf(simpleString('a\nb'))).toBe('+a b\r\n')
  expect(textOf(simpleError('ERR', 'a\r\nb'))).toBe('-ERR a  b\r\n')
  expect(textOf(bulk('é'))).toBe('$2\r\n\xc3\xa9\r\n')
  expect(textOf(bulk(b('ab')))).toBe('$2\r\nab\r\n')
  expect(textOf(integer(-3))).toBe(':-3\r\n')
  expect(textOf(nullReply(2))).toBe('$-1\r\n')
  expect(textOf(nullReply(3))).toBe('_\r\n')
  expect(textOf(map(2, [['a', integer(1)]]))).toBe('*2\r\n$1\r\na\r\n:1\r\n')
  expect(textOf(map(3, [['a', integer(1)]]))).toBe('%1\r\n$1\r\na\r\n:1\r\n')
  expect(isReplyError(decodeReply(simpleError('ERR', 'x'), 0, 8))).toBe(true)
})
