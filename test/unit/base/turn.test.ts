import { expect, test } from 'vitest'
import { Turn, type Flushable } from '../../../src/base/turn.ts'

function counted(then: () => void = () => undefined): Flushable & { flushes: number } {
  const item = {
    flushes: 0,
    flush() {
      item.flushes++
      then()
    },
  }
  return item
}

test('what is added within a turn is flushed at its end', () => {
  const turn = new Turn()
  const item = counted()
  turn.begin()
  turn.begin()
  turn.add(item)
  turn.end()
  expect(item.flushes).toBe(0)
  turn.end()
  expect(item.flushes).toBe(1)
})

test('outside of a turn a microtask flushes all that came, once', async () => {
  const turn = new Turn()
  const items = [counted(), counted()]
  for (const item of items) turn.add(item)
  expect(items.map((item) => item.flushes)).toEqual([0, 0])
  await Promise.resolve()
  expect(items.map((item) => item.flushes)).toEqual([1, 1])
  turn.add(items[0] ?? counted())
  await Promise.resolve()
  expect(items.map((item) => item.flushes)).toEqual([2, 1])
})

test('what a flush adds is flushed as well', () => {
  const turn = new Turn()
  const second = counted()
  const first = counted(() => {
    if (first.flushes === 1) turn.add(second)
  })
  turn.begin()
  turn.add(first)
  turn.end()
  expect([first.flushes, second.flushes]).toEqual([1, 1])
})
