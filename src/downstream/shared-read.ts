import { Socket } from 'node:net'
import type { PassingMemory } from '../base/part-memory.ts'
import { SharedPart } from '../base/shared-part.ts'

/**
 * One read's worth of bytes for every client of the process: they are used up within the read. No
 * Buffer: the `slice` of one is a view, and those who keep a part of this must have a copy.
 */
const shared = new Uint8Array(64 * 1024)

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

/** What a socket has that its type does not tell: the handle of the event loop. */
interface Inner extends Record<symbol, unknown> {
  readonly _handle: { useUserBuffer?: (bytes: Uint8Array) => void } | null
}

/** Who takes what a client sends. */
export interface Reader {
  /** What comes next is most likely a part of a large request, which goes on as it lies. */
  readonly isUploading: boolean
  /** Must copy what it keeps, unless the read's arrival holds it. */
  onChunk(chunk: Uint8Array): void
}

/**
 * Has the connection read into one buffer that all clients share, instead of into a new one for every
 * read: no memory for the garbage collector to follow. A large request is read into memory of its own,
 * so that its parts need not be copied on their way. The socket must not have been read from yet.
 * Where this Node cannot do it, it is read as usual.
 */
export function withSharedReads(socket: Socket, reader: Reader, memory: PassingMemory): void {
  const inner = socket as unknown as Inner
  const handle = inner._handle
  if (hooks === null || handle?.useUserBuffer === undefined) {
    socket.on('data', (chunk) => {
      reader.onChunk(chunk)
    })
    return
  }
  const place = new Place(reader, memory)
  inner[hooks.kBuffer] = shared
  inner[hooks.kBufferGen] = () => place.next() // null: Node keeps the one it has
  inner[hooks.kBufferCb] = (length: number): boolean => {
    place.take(length)
    return true
  }
  handle.useUserBuffer(shared)
}

/** Where the reads of one client go. */
class Place {
  readonly #reader: Reader
  readonly #memory: PassingMemory
  #bytes: Uint8Array = shared
  /** While a large request comes: memory that its parts leave from. */
  #own: SharedPart | null = null

  constructor(reader: Reader, memory: PassingMemory) {
    this.#reader = reader
    this.#memory = memory
  }

  /** Where the next read goes; null: where the last one went. */
  next(): Uint8Array | null {
    if (this.#own !== null || this.#reader.isUploading) this.#renewOwn()
    const bytes = this.#own?.plain ?? shared
    if (bytes === this.#bytes) return null
    this.#bytes = bytes
    return bytes
  }

  take(length: number): void {
    const own = this.#own
    const chunk = (own?.plain ?? shared).subarray(0, length)
    if (own !== null) this.#memory.arrival.begin(own, chunk, 0)
    this.#reader.onChunk(chunk)
    if (own !== null) this.#memory.arrival.end(own, 0)
  }

  #renewOwn(): void {
    const { isUploading } = this.#reader
    if (isUploading && this.#own?.isFree === true) return
    this.#own?.release()
    this.#own = isUploading ? new SharedPart(this.#memory.pieces) : null
  }
}
