import { expect, test } from 'vitest'
import { PartMemory } from '../../../src/base/part-memory.ts'

test('a part that was given back is the next one to be taken', () => {
  const memory = new PartMemory(64, 2)
  const first = memory.take()
  expect([first.length, memory.isPart(first)]).toEqual([64, true])
  memory.giveBack(first)
  expect(memory.isPart(first)).toBe(false)
  expect(memory.take()).toBe(first)
  expect(memory.take()).not.toBe(first)
})

test('no more than the most are kept', () => {
  const memory = new PartMemory(64, 2)
  const taken = [memory.take(), memory.take(), memory.take()]
  for (const part of taken) memory.giveBack(part)
  const again = [memory.take(), memory.take(), memory.take()]
  expect(taken.filter((part) => again.includes(part))).toHaveLength(2)
})

test('what only looks like a part is none', () => {
  const memory = new PartMemory(64, 2)
  const part = memory.take()
  expect(memory.isPart(new Uint8Array(64))).toBe(false)
  expect(memory.isPart(part.subarray(0, 64))).toBe(false)
})

test('a slice of a part is a copy', () => {
  const part = new PartMemory(64, 2).take()
  const copy = part.slice(0, 1)
  part[0] = 7
  copy[0] = 8
  expect(part[0]).toBe(7)
})
