import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arrival } from '../../../src/base/arrival.ts'
import { PartMemory } from '../../../src/base/part-memory.ts'
import { SharedPart } from '../../../src/base/shared-part.ts'
import { Outbox } from '../../../src/upstream/outbox.ts'

const partBytes = 5_000

function outboxOf(pieces: PartMemory, arrival = new Arrival()): Outbox {
  return new Outbox(512, { pieces, arrival })
}

/** Bytes that differ from those before and behind them. */
function run(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i * 7) % 251)
}

const step = fc.oneof(
  fc.record({ what: fc.constant('append' as const), length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ what: fc.constant('append' as const), length: fc.constant(20_000) }),
  fc.record({ what: fc.constant('pass' as const), length: fc.integer({ min: 1, max: 2_500 }) }),
  fc.constant({ what: 'take' as const, length: 0 }),
  fc.constant({ what: 'left' as const, length: 0 }),
)

test('whatever is appended leaves in order, and stays as it is until it has left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const outbox = outboxOf(new PartMemory(partBytes, 4))
      const given: Uint8Array[] = []
      const sent: Uint8Array[] = []
      let leaving: Uint8Array[] = []
      const leave = (): void => {
        sent.push(...leaving.map((each) => each.slice()))
        leaving = []
        outbox.left()
      }
      for (const [index, { what, length }] of steps.entries()) {
        if (what === 'left' && leaving.length > 0) leave()
        if (what === 'take' && leaving.length === 0) leaving = outbox.take()
        if (length === 0) continue
        const bytes = run(index * 31, length)
        given.push(bytes.slice())
        if (what === 'pass') outbox.appendPassing(bytes, 0, length)
        else outbox.append(bytes, 0, length)
        bytes.fill(255) // the next read writes over it
      }
      leave()
      leaving = outbox.take()
      leave()
      expect(Buffer.concat(sent).equals(Buffer.concat(given))).toBe(true)
      expect(outbox.size).toBe(0)
    }),
  )
})

test('what was appended is found where the registers said, after it has left', () => {
  const outbox = outboxOf(new PartMemory(partBytes, 4))
  const places: [Uint8Array, number, number][] = []
  for (let i = 0; i < 20; i++) {
    outbox.append(run(i, 100), 0, 100)
    places.push([outbox.bytes, outbox.start, outbox.end])
    outbox.appendPassing(run(i, 300), 0, 300)
    outbox.take()
    outbox.left()
  }
  for (const [i, [bytes, start, end]] of places.entries()) {
    expect(Buffer.compare(bytes.subarray(start, end), run(i, 100))).toBe(0)
  }
})

test('passing bytes use the same memory again and again', () => {
  const memory = new PartMemory(partBytes, 4)
  const outbox = outboxOf(memory)
  const used = new Set<ArrayBufferLike>()
  for (let i = 0; i < 50; i++) {
    outbox.appendPassing(run(i, 1_500), 0, 1_500)
    for (const segment of outbox.take()) used.add(segment.buffer)
    outbox.left()
  }
  expect(used.size).toBeLessThanOrEqual(3)
})

test('a large request is found at its place until it is answered, then its memory is used again', () => {
  const outbox = outboxOf(new PartMemory(partBytes, 4))
  const used = new Set<ArrayBufferLike>()
  const places: [Uint8Array, number, number][] = []
  for (let i = 0; i < 100; i++) {
    outbox.append(run(i, 2_300), 0, 2_300)
    places.push([outbox.bytes, outbox.start, outbox.end])
    outbox.take()
    outbox.left()
    for (const [n, [bytes, start, end]] of places.entries()) {
      used.add(bytes.buffer)
      const due = run(i + 1 - places.length + n, 2_300)
      expect(Buffer.compare(bytes.subarray(start, end), due)).toBe(0)
    }
    if (places.length === 3) outbox.answered(places.shift()?.[0] as Uint8Array)
  }
  expect(used.size).toBeLessThanOrEqual(4)
})

test('a request that was taken back stays as it is', () => {
  const outbox = outboxOf(new PartMemory(partBytes, 4))
  outbox.append(run(1, 2_300), 0, 2_300)
  const { bytes, start, end } = outbox
  outbox.kept(bytes)
  for (let i = 0; i < 50; i++) {
    outbox.append(run(i, 2_300), 0, 2_300)
    const place = outbox.bytes
    outbox.take()
    outbox.left()
    outbox.answered(place)
    expect(Buffer.compare(bytes.subarray(start, end), run(1, 2_300))).toBe(0)
  }
})

test('a request that was split stays as it is until all it became are answered', () => {
  const memory = new PartMemory(partBytes, 4)
  const outbox = outboxOf(memory)
  outbox.append(run(1, 2_300), 0, 2_300)
  const { bytes, start, end } = outbox
  const isThere = (): boolean => Buffer.compare(bytes.subarray(start, end), run(1, 2_300)) === 0
  const appendOthers = (): void => {
    const places: Uint8Array[] = []
    for (let i = 2; i < 20; i++) {
      outbox.append(run(i, 2_300), 0, 2_300)
      places.push(outbox.bytes)
      outbox.take()
      outbox.left()
      if (places.length > 4) outbox.answered(places.shift() as Uint8Array)
    }
    for (const place of places) outbox.answered(place)
  }
  outbox.split(bytes, 3)
  for (let i = 0; i < 3; i++) {
    appendOthers()
    expect(isThere()).toBe(true)
    outbox.answered(bytes)
  }
  expect(memory.take().buffer === bytes.buffer).toBe(true)
})

test('a part that has not left is not written over, though all in it is answered', () => {
  const outbox = outboxOf(new PartMemory(partBytes, 4))
  outbox.append(run(1, 2_300), 0, 2_300)
  const [segment] = outbox.take()
  outbox.answered(outbox.bytes)
  for (let i = 0; i < 10; i++) outbox.append(run(i, 2_300), 0, 2_300)
  expect(Buffer.compare(segment as Uint8Array, run(1, 2_300))).toBe(0)
})

test('bytes of the read at hand leave as they lie, in their place, and are held until then', () => {
  const memory = new PartMemory(partBytes, 4)
  const arrival = new Arrival()
  const outbox = outboxOf(memory, arrival)
  const read = new SharedPart(memory)
  read.plain.set(run(7, 3_000))
  const chunk = read.plain.subarray(0, 3_000)
  outbox.append(run(1, 100), 0, 100)
  outbox.appendPassing(run(2, 700), 0, 700)
  arrival.begin(read, chunk, 0)
  outbox.appendPassing(chunk, 10, 3_000)
  arrival.end(read, 0)
  outbox.append(run(3, 100), 0, 100)
  const sent = outbox.take()
  const due = [run(1, 100), run(2, 700), run(7, 3_000).subarray(10), run(3, 100)]
  expect(Buffer.concat(sent).equals(Buffer.concat(due))).toBe(true)
  expect(sent.some((segment) => segment.buffer === chunk.buffer)).toBe(true)
  expect(read.isFree).toBe(false)
  outbox.left()
  expect(read.isFree).toBe(true)
})
