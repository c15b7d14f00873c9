import { Socket } from 'node:net'
import type { PassingMemory } from '../base/part-memory.ts'
import { SharedPart } from '../base/shared-part.ts'

/**
 * One read's worth of bytes for every client of the process: they are used up within the read. No
 * Buffer: the `slice` of one is a view, and those who keep a part of this must have a copy.
 */
const shared = new Uint8Array(64 * 1024)

/** The beginning of it, where the last read lay: most are as long as the one before. */
let last = shared.subarray(0, 0)

function read(length: number): Uint8Array {
  if (last.length !== length) last = shared.subarray(0, length)
  return last
}

/**
 * What `new Socket({ onread })` sets and a server has no option for: Node's own, by their
 * descriptions. A socket of a server gets them afterwards, which is cheaper than a second socket.
 */
type Hooks = Record<'kBuffer' | 'kBufferCb' | 'kBufferGen', symbol>

const hooks = hooksOf(new Socket())

function hooksOf(socket: Socket): Hooks | null {
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string): symbol | undefined =>
    symbols.find(({ description }) => description === name)
  const kBuffer = named('kBuffer')
  const kBufferCb = named('kBufferCb')
  const kBufferGen = named('kBufferGen')
  if (kBuffer === undefined || kBufferCb === undefined || kBufferGen === undefined) return null
  return { kBuffer, kBufferCb, kBufferGen }
}

/** Whose connection a socket is: one callback serves all, so that none is looked up for each read. */
const owner = Symbol('reader')

/** What a socket has that its type does not tell. */
interface Inner extends Record<symbol, unknown> {
  /** The handle of the event loop. */
  readonly _handle: { useUserBuffer?: (bytes: Uint8Array) => void } | null
  [owner]: Reader
}

/** Who takes what a client sends. */
export interface Reader {
  /** What comes next is most likely a part of a large request, which goes on as it lies. */
  readonly isUploading: boolean
  /** Where the parts of a large request lie. */
  readonly memory: PassingMemory
  /** Must copy what it keeps, unless the read's arrival holds it. */
  onChunk(chunk: Uint8Array): void
}

/**
 * Has the connection read into one buffer that all clients share, instead of into a new one for every
 * read: no memory for the garbage collector to follow. A large request is read into memory of its own,
 * so that its parts need not be copied on their way. The socket must not have been read from yet.
 * Where this Node cannot do it, it is read as usual.
 */
export function withSharedReads(socket: Socket, reader: Reader): void {
  const inner = socket as unknown as Inner
  const handle = inner._handle
  if (hooks === null || handle?.useUserBuffer === undefined) {
    socket.on('data', (chunk) => {
      reader.onChunk(chunk)
    })
    return
  }
  inner[owner] = reader
  inner[hooks.kBuffer] = shared
  inner[hooks.kBufferCb] = onShared
  handle.useUserBuffer(shared)
}

/** Node calls it as a method of the socket. */
function onShared(this: Inner, length: number): boolean {
  const reader = this[owner]
  reader.onChunk(read(length))
  if (hooks !== null && reader.isUploading) readApart(this, hooks, reader)
  return true
}

/** While a large request comes: into memory that its parts leave from. */
function readApart(socket: Inner, hooks: Hooks, reader: Reader): void {
  const { arrival, pieces } = reader.memory
  let part: SharedPart | null = null
  socket[hooks.kBufferCb] = (length: number): boolean => {
    if (part === null) return true
    const chunk = part.plain.subarray(0, length)
    arrival.begin(part, chunk, 0)
    reader.onChunk(chunk)
    arrival.end(part, 0)
    return true
  }
  // asked behind every read where the next one goes; null: where the last one went
  socket[hooks.kBufferGen] = (): Uint8Array | null => {
    if (part?.isFree === true && reader.isUploading) return null
    part?.release()
    if (reader.isUploading) {
      part = new SharedPart(pieces)
      return part.plain
    }
    socket[hooks.kBufferCb] = onShared
    socket[hooks.kBufferGen] = null
    return shared
  }
}
