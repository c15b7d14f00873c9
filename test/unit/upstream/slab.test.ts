import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arrival } from '../../../src/base/arrival.ts'
import { PartMemory } from '../../../src/base/part-memory.ts'
import { Slab } from '../../../src/upstream/slab.ts'

const partBytes = 64 * 1024

function stage() {
  const memory = new PartMemory(partBytes, 4)
  const arrival = new Arrival()
  return { memory, arrival, slab: new Slab(memory, arrival) }
}

/** A read of bytes that all have this value. */
function read(slab: Slab, length: number, value = 0): void {
  slab.bytes.fill(value, slab.to, slab.to + length)
  slab.begin(length)
}

test('what is gone is written over by the next read', () => {
  const { arrival, slab } = stage()
  expect(slab.room()).toHaveLength(partBytes)
  read(slab, 100)
  arrival.gone(slab.bytes, 0, 100)
  slab.settle(100)
  expect([slab.from, slab.to]).toEqual([0, 0])
})

test('what is kept is not, until the part is full: then there is another', () => {
  const { slab } = stage()
  const { bytes } = slab
  read(slab, 40_000)
  slab.settle(40_000)
  expect([slab.from, slab.to, slab.bytes]).toEqual([40_000, 40_000, bytes])
  read(slab, 20_000)
  slab.settle(60_000)
  expect([slab.from, slab.to]).toEqual([0, 0])
  expect(slab.bytes.buffer).not.toBe(bytes.buffer)
})

test('a room is told when it is another than the last, and until the first read', () => {
  const { arrival, slab } = stage()
  expect([slab.room()?.length, slab.room()?.length]).toEqual([partBytes, partBytes])
  const rooms = [0, 5_000, 0, 5_000, 5_000].map((keep) => {
    const { from, to } = slab
    read(slab, 5_000)
    if (keep === 0) arrival.gone(slab.bytes, from, to + 5_000)
    slab.settle(keep === 0 ? to + 5_000 : from)
    return slab.room()?.byteOffset ?? null
  })
  expect(rooms).toEqual([0, 5_000, 0, 5_000, 10_000])
  read(slab, 100)
  arrival.gone(slab.bytes, 0, slab.to)
  slab.settle(slab.to)
  slab.room()
  read(slab, 100)
  arrival.gone(slab.bytes, 0, 100)
  slab.settle(100)
  expect(slab.room()).toBeNull()
})

test('an unfinished frame goes along, and lies together with its rest', () => {
  const { arrival, slab } = stage()
  read(slab, 30_000, 1)
  arrival.gone(slab.bytes, 0, 10_000)
  slab.settle(10_000)
  expect([slab.from, slab.to]).toEqual([0, 20_000])
  read(slab, 30_000, 2)
  slab.settle(0) // still not all of it
  read(slab, 10_000, 3)
  slab.settle(0) // there is no room: it moves to another part
  const sum = slab.bytes.subarray(0, slab.to).reduce((all, byte) => all + byte, 0)
  expect([slab.to, sum]).toEqual([60_000, 20_000 + 60_000 + 30_000])
})

test('a part is given back when the last write has let go, but not one of which some is kept', () => {
  const { memory, arrival, slab } = stage()
  const { bytes } = slab
  read(slab, 60_000)
  const part = arrival.hold(slab.bytes, 0, 60_000)
  slab.settle(60_000)
  slab.close()
  expect(memory.take().buffer).not.toBe(bytes.buffer)
  part?.release()
  expect(memory.take().buffer).toBe(bytes.buffer)

  const other = stage()
  const kept = other.slab.bytes
  read(other.slab, 100)
  other.slab.settle(100)
  other.slab.close()
  expect(other.memory.take().buffer).not.toBe(kept.buffer)
})

test('closed in the middle of a read: the part is given back behind it', () => {
  const { memory, arrival, slab } = stage()
  const { bytes } = slab
  read(slab, 100)
  slab.close()
  expect(memory.take().buffer).not.toBe(bytes.buffer)
  arrival.gone(bytes, 0, 100)
  slab.settle(100)
  expect(memory.take().buffer).toBe(bytes.buffer)
})

test('bytes that came another way lie where a read would have put them', () => {
  const { slab } = stage()
  const chunk = Buffer.alloc(100_000, 7)
  const first = slab.put(chunk, 0)
  expect(first).toBe(partBytes)
  slab.begin(first)
  slab.settle(first)
  expect(slab.put(chunk, first)).toBe(100_000 - first)
})

test('whatever is kept, held or gone, what is kept and held stays as it was', () => {
  const step = fc.record({
    length: fc.integer({ min: 1, max: 16 * 1024 }),
    fate: fc.constantFrom('gone', 'kept', 'held', 'half', 'unfinished'),
    release: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const { arrival, slab } = stage()
      const watched: { view: Buffer; value: number }[] = []
      const holds: { release: () => void; view: Buffer; value: number }[] = []
      let value = 0
      for (const { length, fate, release } of steps) {
        value = (value % 250) + 1
        const { from } = slab
        read(slab, length, value)
        const { bytes, to } = slab
        const isOld = (): boolean => bytes.subarray(from, to).every((byte) => byte > 0)
        expect(isOld()).toBe(true)
        const tail = bytes.subarray(to - length, to)
        if (fate === 'gone') arrival.gone(bytes, from, to)
        if (fate === 'kept') watched.push({ view: tail, value })
        if (fate === 'half') {
          arrival.gone(bytes, from, from + 1)
          if (length > 1) watched.push({ view: tail.subarray(1), value })
        }
        if (fate === 'held') {
          const part = arrival.hold(bytes, from, to)
          if (part !== null) holds.push({ release: () => part.release(), view: tail, value })
        }
        slab.settle(fate === 'unfinished' && to - from < 40_000 ? from : to)
        if (release) holds.shift()?.release()
        for (const each of [...watched, ...holds]) {
          expect(each.view.every((byte) => byte === each.value)).toBe(true)
        }
      }
    }),
    { numRuns: 100 },
  )
})
