/** Bytes reserved for what is announced but has not arrived; beyond, the room doubles. */
const reserveBytes = 16 * 1024
/** Least bytes of a carry; room for a few length lines. */
const leastBytes = 64
/** Up to here a loop is faster than a view and a native copy. */
const loopBytes = 48

const nothing: Uint8Array = Buffer.alloc(0)

/**
 * The bytes of an unfinished request. Holds no memory while empty, and never more than 16 KiB or
 * twice what really arrived, whatever length was announced.
 */
export class Carry {
  bytes: Uint8Array = nothing
  length = 0

  /** Adds source[from, to); `expected` bytes, these included, are likely to come one by one. */
  append(source: Uint8Array, from: number, to: number, expected: number): void {
    const added = to - from
    if (this.length + added > this.bytes.length) this.#grow(added, expected)
    const bytes = this.bytes
    const length = this.length
    if (added > loopBytes) {
      bytes.set(source.subarray(from, to), length)
    } else {
      for (let i = 0; i < added; i++) bytes[length + i] = source[from + i] as number
    }
    this.length = length + added
  }

  appendByte(byte: number): void {
    if (this.length === this.bytes.length) this.#grow(1, 1)
    this.bytes[this.length++] = byte
  }

  /** Forgets the bytes, and the memory if it was given away or nobody is likely to need it. */
  drop(): void {
    this.bytes = nothing
    this.length = 0
  }

  #grow(added: number, expected: number): void {
    const needed = this.length + added
    const doubled = Math.max(reserveBytes, 2 * needed)
    const wished = Math.min(this.length + expected, doubled)
    const room = Math.max(needed, wished, Math.min(2 * this.length, doubled), leastBytes)
    const grown = Buffer.allocUnsafe(room)
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
