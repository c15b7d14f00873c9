/** A read shorter than this much room would cost more system calls than the memory is worth. */
const leastRoomBytes = 16 * 1024

/**
 * Memory that one socket reads into, piece behind piece, so that there is one allocation for many
 * reads. What was read stays as it is as long as anybody refers to it.
 *
 *     slab [ read, kept by others | next read … ]
 *                                  ^at
 */
export class Slab {
  readonly #size: number
  #memory: Buffer | null = null
  #at = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Where the next read may write. */
  next(): Buffer {
    if (this.#memory === null || this.#size - this.#at < leastRoomBytes) {
      this.#memory = Buffer.allocUnsafeSlow(this.#size)
      this.#at = 0
    }
    return this.#memory.subarray(this.#at)
  }

  /** Nobody needs what was taken last: the next read may write there again. */
  untake(length: number): void {
    this.#at -= length
  }

  /** The `length` bytes that a read has put into `buffer`, which `next` gave. */
  take(buffer: Uint8Array, length: number): Buffer {
    this.#at += length
    return Buffer.from(buffer.buffer, buffer.byteOffset, length)
  }
}
