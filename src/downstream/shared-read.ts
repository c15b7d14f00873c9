import { Socket } from 'node:net'
import type { PassingMemory } from '../base/part-memory.ts'
import { SharedPart } from '../base/shared-part.ts'

/**
 * One read's worth of bytes for every client of the process: they are used up within the read. No
 * Buffer: the `slice` of one is a view, and those who keep a part of this must have a copy.
 */
const shared = new Uint8Array(64 * 1024)

/** What a socket has that its type does not tell: the handle of the event loop. */
interface WithHandle {
  _handle: { useUserBuffer?: unknown } | null
}

/** Who takes what a client sends. */
export interface Reader {
  /** What comes next is most likely a part of a large request, which goes on as it lies. */
  readonly isUploading: boolean
  /** Must copy what it keeps, unless the read's arrival holds it. */
  onChunk(chunk: Uint8Array): void
}

/**
 * The same connection, read into one buffer that all clients share, instead of into a new one for
 * every read: no memory for the garbage collector to follow. A large request is read into memory of
 * its own, so that its parts need not be copied on their way. The socket must not have been read from
 * yet. Where this Node cannot do it, the socket itself.
 */
export function withSharedReads(socket: Socket, reader: Reader, memory: PassingMemory): Socket {
  const inner = socket as unknown as WithHandle
  const handle = inner._handle
  if (handle?.useUserBuffer === undefined) {
    socket.on('data', (chunk) => {
      reader.onChunk(chunk)
    })
    return socket
  }
  inner._handle = null // the new socket is its only owner
  const place = new Place(reader, memory)
  const options = {
    handle,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: {
      buffer: () => place.next() as Uint8Array, // null: Node keeps the one it has
      callback: (length: number): boolean => {
        place.take(length)
        return true
      },
    },
  }
  return new Socket(options)
}

/** Where the reads of one client go. */
class Place {
  readonly #reader: Reader
  readonly #memory: PassingMemory
  #bytes: Uint8Array | null = null
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
