import type { PartMemory } from './part-memory.ts'

/**
 * A part of memory together with how many need it: its owner, who reads or copies into it, and every
 * reply or write that has bytes of it. When the last of them lets go, others may have the part; but
 * never when somebody unknown may refer to it.
 */
export class SharedPart {
  readonly bytes: Buffer
  /** The same, for those who rely on a `slice` being a copy. */
  readonly plain: Uint8Array
  readonly #memory: PartMemory
  #users = 1
  #isKept = false

  constructor(memory: PartMemory) {
    this.#memory = memory
    this.plain = memory.take()
    this.bytes = Buffer.from(this.plain.buffer, this.plain.byteOffset, this.plain.length)
  }

  /** Only its owner needs it: what is in it may be written over. */
  get isFree(): boolean {
    return this.#users === 1 && !this.#isKept
  }

  hold(): void {
    this.#users++
  }

  release(): void {
    this.#users--
    if (this.#users === 0 && !this.#isKept) this.#memory.giveBack(this.plain)
  }

  /** Some of it is kept by nobody knows whom: it is left to the garbage collector. */
  keep(): void {
    this.#isKept = true
  }
}
