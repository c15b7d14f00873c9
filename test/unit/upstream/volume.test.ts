import { expect, test } from 'vitest'
import { Volume } from '../../../src/upstream/volume.ts'

/** Commands that ask with `sent` bytes and are answered with `received`, in one read each. */
function commands(volume: Volume, count: number, sent: number, received: number): void {
  for (let i = 0; i < count; i++) {
    volume.sent(sent)
    volume.answered(1)
    volume.received(received)
  }
}

test.each([
  ['small both ways', 40, 1_000, false],
  ['large requests', 16_000, 5, true],
  ['large replies', 40, 16_000, true],
])('%s', (_what, sent, received, isLarge) => {
  const volume = new Volume()
  expect(volume.isLarge).toBe(false)
  commands(volume, 20, sent, received)
  expect(volume.isLarge).toBe(isLarge)
})

test('one large reply among many small ones is forgotten after some reads', () => {
  const volume = new Volume()
  commands(volume, 20, 40, 10)
  commands(volume, 1, 40, 1_000_000)
  expect(volume.isLarge).toBe(true)
  commands(volume, 60, 40, 10)
  expect(volume.isLarge).toBe(false)
})

test('a part of a large reply, and handshakes without commands, count as they come', () => {
  const volume = new Volume()
  volume.received(64 * 1024)
  expect(volume.isLarge).toBe(true)
})
