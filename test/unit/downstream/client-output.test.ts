import { Writable } from 'node:stream'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Arrival } from '../../../src/base/arrival.ts'
import { PartMemory } from '../../../src/base/part-memory.ts'
import { SharedPart } from '../../../src/base/shared-part.ts'
import { Turn } from '../../../src/base/turn.ts'
import { ClientOutput } from '../../../src/downstream/client-output.ts'

const partBytes = 100_000

/** A client, and a read of a server's that is being worked on. */
function stage(takesAtOnce: boolean) {
  let pending: ((error?: Error) => void) | null = null
  const got: string[] = []
  const socket = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      got.push(chunk.toString('latin1'))
      if (takesAtOnce) done()
      else pending = done
    },
  })
  socket.on('error', () => undefined)
  const memory = new PartMemory(partBytes, 4)
  const arrival = new Arrival()
  const part = new SharedPart(memory)
  part.bytes.fill('x')
  arrival.begin(part, part.bytes, 0)
  const output = new ClientOutput(socket as unknown as Socket, new Turn(), arrival)
  const take = (error?: Error): void => pending?.(error)
  return { output, memory, arrival, part, take, got }
}

test.each([10, 50_000])('%i bytes that the kernel took at once are gone', (length) => {
  const { output, arrival, part } = stage(true)
  output.append(part.bytes, 0, length)
  output.flush()
  expect(arrival.end(part, length)).toBe(true)
  expect(part.isFree).toBe(true)
})

test('bytes that a slow client has not taken keep the memory', () => {
  const { output, arrival, part } = stage(false)
  output.append(part.bytes, 0, 100)
  output.flush()
  expect(arrival.end(part, 100)).toBe(false)
})

test('very few do not, and what waits for a slow client is not written over', async () => {
  const { output, arrival, part, take, got } = stage(false)
  const replies = ['one', 'two', 'six', 'ten']
  for (const [n, reply] of replies.entries()) {
    part.bytes.write(reply, n * 3)
    output.append(part.bytes, n * 3, n * 3 + 3)
    output.flush()
  }
  expect(arrival.end(part, 12)).toBe(true)
  part.bytes.fill('x')
  for (let n = 1; n < replies.length; n += 1) {
    take()
    await expect.poll(() => got.length).toBe(n + 1)
  }
  expect(got).toEqual(replies)
})

test('many are held until the client has them', async () => {
  const { output, arrival, part, take } = stage(false)
  output.append(part.bytes, 0, 50_000)
  output.flush()
  expect(arrival.end(part, 50_000)).toBe(true)
  expect(part.isFree).toBe(false)
  take()
  await expect.poll(() => part.isFree).toBe(true)
})

test('memory that a broken connection may still hold is never used again', async () => {
  const { output, memory, arrival, part, take } = stage(false)
  output.append(part.bytes, 0, 50_000)
  output.flush()
  arrival.end(part, 50_000)
  take(new Error('reset'))
  await new Promise((done) => setImmediate(done))
  part.release()
  expect(memory.take().buffer).not.toBe(part.bytes.buffer)
})

test('replies that do not lie together are put together, and gone', () => {
  const { output, arrival, part, got } = stage(true)
  const own = Buffer.from('own')
  output.append(part.bytes, 0, 2)
  output.append(own, 0, 3)
  output.append(part.bytes, 2, 3)
  output.append(part.bytes, 3, 4)
  output.flush()
  expect(got).toEqual(['xxownxx'])
  expect(arrival.end(part, 4)).toBe(true)
})

test('nothing, behind something, does not keep it back', () => {
  const { output, part, got } = stage(true)
  output.append(part.bytes, 0, 2)
  output.append(Buffer.alloc(0), 0, 0)
  output.flush()
  expect(got).toEqual(['xx'])
})

test('bytes of another read are no business of this one', () => {
  const { output, arrival, part } = stage(true)
  arrival.begin(part, part.bytes, 100)
  output.append(part.bytes, 0, 100) // kept by somebody from an earlier read
  output.flush()
  expect(arrival.end(part, 200)).toBe(false)
})
