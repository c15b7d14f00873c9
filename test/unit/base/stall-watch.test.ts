import { expect, test } from 'vitest'
import { StallWatch } from '../../../src/base/stall-watch.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function watched() {
  const clock = new VirtualClock()
  const stalls: number[] = []
  const watch = new StallWatch(clock, (ms) => stalls.push(ms))
  return { clock, stalls, watch }
}

test('a process that goes on, busy or idle, is not told of', () => {
  const { clock, stalls, watch } = watched()
  clock.advance(60_000)
  clock.stall(900)
  watch.look()
  clock.advance(60_000)
  expect(stalls).toEqual([])
})

test('a stall is told once, by the first that looks: a socket', () => {
  const { clock, stalls, watch } = watched()
  clock.stall(30_000)
  watch.look()
  expect(stalls).toEqual([30_000])
  watch.look()
  clock.advance(60_000)
  expect(stalls).toEqual([30_000])
})

test('or its own timer, and the next one too', () => {
  const { clock, stalls } = watched()
  clock.stall(30_000)
  clock.advance(0)
  clock.stall(5_000)
  clock.advance(0)
  expect(stalls).toEqual([30_000, 5_000])
})

test('it ends', () => {
  const { clock, watch } = watched()
  watch.close()
  expect(clock.waiting).toBe(0)
})
