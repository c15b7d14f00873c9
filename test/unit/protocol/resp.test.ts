import { expect, test } from 'vitest'
import { expectedDollarReply, parseInt64 } from '../../../src/protocol/resp.ts'
import { textOf } from './feeding.ts'

const numbers: [text: string, value: number][] = [
  ['9223372036854775807', 2 ** 63],
  ['9223372036854775808', NaN],
  ['9300000000000000000', NaN],
  ['9223372036854775799', 2 ** 63],
  ['1000000000000000000', 1e18],
  ['-9223372036854775808', -(2 ** 63)],
  ['-9223372036854775809', NaN],
  ['10000000000000000000', NaN],
  ['123456789', 123456789],
]
test.each(numbers)('parseInt64(%s) keeps within 64 bits', (text, value) => {
  const parsed = parseInt64(Buffer.from(`x${text}y`), 1, 1 + text.length)
  if (Number.isNaN(value)) expect(parsed).toBeNaN()
  else expect(parsed / value).toBeCloseTo(1, 12)
})

test('a line end is shown as a space where a $ was expected, any other byte as it is', () => {
  const shown = [0x0a, 0x0d, 0x78, 0xff].map((byte) => textOf(expectedDollarReply(byte)).at(-4))
  expect(shown).toEqual([' ', ' ', 'x', '\xff'])
})
