import { describe, expect, test } from 'vitest'
import {
  args,
  argument,
  encodeRequest,
  lowerAscii,
  parseInteger,
} from '../../../src/protocol/request.ts'
import { textOf } from './feeding.ts'

const request = Buffer.from(
  'xx*4\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$12\r\nabcdefghijkl\r\n+OK',
)
const [start, end] = [2, request.length - 3]

describe('the arguments of a request', () => {
  test('all', () => {
    expect(args(request, start, end).map(textOf)).toEqual(['SET', '', 'a\r\nb', 'abcdefghijkl'])
  })

  test('one, as a view', () => {
    const views = [0, 1, 2, 3, 4, 99].map((index) => argument(request, start, end, index))
    const texts = views.map((view) => (view === undefined ? undefined : textOf(view)))
    expect(texts).toEqual(['SET', '', 'a\r\nb', 'abcdefghijkl', undefined, undefined])
    expect(views[2]?.buffer).toBe(request.buffer)
  })
})

test('encoding', () => {
  const bytes = encodeRequest(['SET', Buffer.from([0xff, 0x0d]), 12, 'é'])
  expect(textOf(bytes)).toBe('*4\r\n$3\r\nSET\r\n$2\r\n\xff\r\r\n$2\r\n12\r\n$2\r\n\xc3\xa9\r\n')
  expect(args(bytes, 0, bytes.length).map(textOf)).toEqual(['SET', '\xff\r', '12', '\xc3\xa9'])
})

test('lower case is for ASCII letters alone', () => {
  expect(lowerAscii(Buffer.from('GeT\xc0[@Z', 'latin1'))).toBe('get\xc0[@z')
  expect(lowerAscii(request.subarray(10, 13))).toBe('set')
})

const integers: [text: string, value: number | undefined][] = [
  ['0', 0],
  ['7', 7],
  ['-1', -1],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', undefined],
  ['-9007199254740991', -9007199254740991],
  ['9223372036854775808', undefined],
  ['-0', undefined],
  ['00', undefined],
  ['01', undefined],
  ['+1', undefined],
  [' 1', undefined],
  ['1 ', undefined],
  ['1.0', undefined],
  ['1e3', undefined],
  ['0x1', undefined],
  ['-', undefined],
  ['', undefined],
]
test.each(integers)('the integer %j', (text, value) => {
  expect(parseInteger(Buffer.from(text))).toBe(value)
})
