import { Writable } from 'node:stream'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { PartMemory } from '../../../src/base/part-memory.ts'
import { Turn } from '../../../src/base/turn.ts'
import { ClientOutput } from '../../../src/downstream/client-output.ts'

/** A client that takes what it is sent only when the test says so. */
function slowClient(): { output: ClientOutput; memory: PartMemory; take: (error?: Error) => void } {
  let pending: ((error?: Error) => void) | null = null
  const socket = new Writable({
    write: (_chunk, _encoding, done) => {
      pending = done
    },
  })
  socket.on('error', () => undefined)
  const memory = new PartMemory(1_000, 4)
  const output = new ClientOutput(socket as unknown as Socket, new Turn(), memory)
  return { output, memory, take: (error) => pending?.(error) }
}

test('a part is used again once the client has it, and not before', async () => {
  const { output, memory, take } = slowClient()
  const part = memory.take()
  output.append(part, 0, 600)
  output.flush()
  expect(memory.isPart(part)).toBe(true)
  take()
  await expect.poll(() => memory.isPart(part)).toBe(false)
})

test('a part that a broken connection may still hold is never used again', async () => {
  const { output, memory, take } = slowClient()
  const part = memory.take()
  output.append(part, 0, 1_000)
  output.flush()
  take(new Error('reset'))
  await new Promise((done) => setImmediate(done))
  expect(memory.isPart(part)).toBe(true)
})

test('bytes that are no part stay with those who have them', () => {
  const { output, memory, take } = slowClient()
  const bytes = new Uint8Array(1_000)
  output.append(bytes, 0, 1_000)
  output.flush()
  take()
  expect(memory.take()).not.toBe(bytes)
})
