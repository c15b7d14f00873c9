import { describe, expect, test } from 'vitest'
import { sparkline } from '../../../src/demo/screen.ts'
import { Counter, Queue, Tally } from '../../../src/demo/tally.ts'

describe('Counter', () => {
  test.each<[string, readonly (number | 'doubt')[], number, number, number]>([
    ['all is well', [1, 2, 3], 3, 0, 0],
    ['one in doubt that was executed', [1, 'doubt', 3], 3, 0, 0],
    ['one in doubt that was not', [1, 'doubt', 2], 2, 0, 0],
    ['one in doubt at the end', [1, 'doubt'], 2, 0, 0],
    ['two acknowledged ones are gone', [1, 2, 3, 2], 2, 2, 0],
    ['the last one is gone', [1, 2], 1, 1, 0],
    ['one was executed twice', [1, 3], 3, 0, 1],
    ['one was executed twice at the end', [1, 2], 3, 0, 1],
  ])('%s', (_what, values, end, lost, duplicated) => {
    const tally = new Tally()
    const counter = new Counter('key', tally)
    for (const value of values) {
      if (value === 'doubt') counter.doubt()
      else counter.acknowledge(value)
    }
    counter.audit(end)
    expect([tally.lost, tally.duplicated]).toEqual([lost, duplicated])
  })
})

describe('Queue', () => {
  test.each<[string, readonly number[], readonly number[], readonly number[], number]>([
    ['all were delivered', [1, 2, 3], [1, 2, 3], [], 0],
    ['one is still there', [1, 2, 3], [1, 2], [3], 0],
    ['one is gone', [1, 2, 3], [1, 3], [], 1],
    ['a pop was forgotten', [1, 2], [1, 1, 2], [], 1],
  ])('%s', (_what, pushed, popped, left, lost) => {
    const tally = new Tally()
    const queue = new Queue('key', tally)
    for (const n of pushed) queue.push(n)
    for (const n of popped) queue.pop(n)
    queue.audit(left)
    expect(tally.lost).toBe(lost)
  })
})

test('errors are told apart by their code', () => {
  const tally = new Tally()
  expect(tally.failed('INDOUBT it may have been executed')).toBe(true)
  expect(tally.failed('MASTERDOWN none')).toBe(false)
  expect(tally.failed('ERR no')).toBe(false)
  expect([tally.inDoubt, tally.refused, tally.errorCount]).toEqual([1, 1, 1])
})

test('the line of the throughput is drawn to the greatest value', () => {
  expect(sparkline([0, 50, 100])).toBe('▁▅█')
  expect(sparkline([0, 0])).toBe('▁▁')
})
