import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { passingMemory } from '../../../src/base/part-memory.ts'
import { withSharedReads } from '../../../src/downstream/shared-read.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { until } from '../../support/until.ts'

watchLeaks()

const memory = passingMemory()
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A reader that notes what it is given, and where that lay. */
class Notes {
  isUploading = false
  readonly memory = memory
  readonly memories: ArrayBufferLike[] = []
  text = ''

  onChunk(chunk: Uint8Array): void {
    this.memories.push(chunk.buffer)
    this.text += Buffer.from(chunk).toString()
  }

  async reads(text: string): Promise<void> {
    await until(() => this.text === text, { within: 2_000, every: 2 })
    this.text = ''
  }
}

interface Ends {
  readonly client: Socket
  readonly served: Socket
  readonly notes: Notes
}

/** So many connections whose server side is read into shared memory. */
async function connections(count: number): Promise<Ends[]> {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const ends: Ends[] = []
  for (let i = 0; i < count; i++) {
    const accepted = new Promise<Ends>((done) => {
      server.once('connection', (served) => {
        const notes = new Notes()
        withSharedReads(served, notes)
        done({ client, served, notes })
      })
    })
    const client = connect({ port, host: '127.0.0.1' })
    ends.push(await accepted)
  }
  cleanups.push(async () => {
    for (const { client, served } of ends) {
      client.destroy()
      served.destroy()
    }
    await new Promise<void>((done) => server.close(() => done()))
  })
  return ends
}

test('all clients are read into one buffer, on this Node', async () => {
  const [one, other] = (await connections(2)) as [Ends, Ends]
  one.client.write('a')
  await one.notes.reads('a')
  other.client.write('b')
  await other.notes.reads('b')
  one.client.write('c')
  await one.notes.reads('c')
  expect(new Set([...one.notes.memories, ...other.notes.memories]).size).toBe(1)
})

test('a client that uploads has memory of its own until it is done', async () => {
  const [{ client, notes }] = (await connections(1)) as [Ends]
  client.write('a')
  await notes.reads('a')
  notes.isUploading = true
  client.write('b') // has been announced only by what was in the read before
  await notes.reads('b')
  client.write('c')
  await notes.reads('c')
  notes.isUploading = false
  client.write('d')
  await notes.reads('d')
  client.write('e')
  await notes.reads('e')
  const [a, b, c, d, e] = notes.memories
  expect([b === a, d === c, c === a, e === a]).toEqual([true, true, false, true])
})

test('a paused client is not read, and its end is heard', async () => {
  const [{ client, served, notes }, other] = (await connections(2)) as [Ends, Ends]
  let ended = false
  served.on('end', () => (ended = true))
  client.write('a')
  await notes.reads('a')
  served.pause()
  client.write('b')
  other.client.write('x')
  await other.notes.reads('x')
  expect(notes.text).toBe('')
  served.resume()
  await notes.reads('b')
  client.end('c')
  await notes.reads('c')
  await until(() => ended, { within: 2_000, every: 2 })
})

test('a connection without such a handle is read as usual', async () => {
  const pipe = new PassThrough()
  const notes = new Notes()
  withSharedReads(pipe as unknown as Socket, notes)
  pipe.write('a')
  await notes.reads('a')
  pipe.destroy()
})
