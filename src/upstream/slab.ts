import type { Arrival } from '../base/arrival.ts'
import type { PartMemory } from '../base/part-memory.ts'
import { SharedPart } from '../base/shared-part.ts'

/** A read shorter than this much room would cost more system calls than the memory is worth. */
const leastRoomBytes = 16 * 1024

/**
 * Memory that one socket reads into. What was read is used up at once by nearly all replies, and
 * the next read writes over it; only where bytes are kept does it go behind them.
 *
 *     part [ kept by others | an unfinished frame | next read … ]
 *                           ^from                 ^to
 */
export class Slab {
  /** Where the frame begins of which not all is here. */
  from = 0
  /** Behind what was read. */
  to = 0

  readonly #memory: PartMemory
  readonly #arrival: Arrival
  #part: SharedPart
  /** Where the room begins that was last given to a socket that has read; -1: none was. */
  #roomAt = -1
  #hasRead = false
  /** What was read is being worked off. */
  isWorking = false
  #isClosed = false

  constructor(memory: PartMemory, arrival: Arrival) {
    this.#memory = memory
    this.#arrival = arrival
    this.#part = new SharedPart(memory)
  }

  get bytes(): Buffer {
    return this.#part.bytes
  }

  /** Where the next read may write; null: where the last one might. */
  room(): Buffer | null {
    if (this.#roomAt === this.to) return null
    if (this.#hasRead) this.#roomAt = this.to
    return this.bytes.subarray(this.to)
  }

  /** Copies bytes that came another way to where a read would have put them; returns how many. */
  put(chunk: Uint8Array, at: number): number {
    const count = Math.min(chunk.length - at, this.bytes.length - this.to)
    this.bytes.set(chunk.subarray(at, at + count), this.to)
    return count
  }

  /** `length` bytes were read. */
  begin(length: number): void {
    this.to += length
    this.#hasRead = true
    this.isWorking = true
    this.#arrival.begin(this.#part, this.bytes, this.from)
  }

  /** What was read has been worked off, up to the frame at `rest`, of which not all is here. */
  settle(rest: number): void {
    this.isWorking = false
    if (!this.#arrival.end(this.#part, rest)) this.#part.keep()
    this.from = rest
    if (this.#isClosed) this.#part.release()
    else if (this.#part.isFree) this.#moveTo(this.#part)
    else if (this.bytes.length - this.to < leastRoomBytes)
      this.#moveTo(new SharedPart(this.#memory))
  }

  /** Nothing will be read any more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.isWorking) this.#part.release()
  }

  /** The unfinished frame goes to the beginning of `part`. */
  #moveTo(part: SharedPart): void {
    const { bytes, from, to } = this
    if (from < to && (from > 0 || part !== this.#part)) part.bytes.set(bytes.subarray(from, to), 0)
    if (part !== this.#part) {
      this.#part.release()
      this.#part = part
      this.#roomAt = -1
    }
    this.from = 0
    this.to = to - from
  }
}
