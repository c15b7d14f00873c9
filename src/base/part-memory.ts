import { Arrival } from './arrival.ts'

/**
 * Memory for bytes that only pass through, in parts of one size: given back once they have passed,
 * and used again. So a large value costs what of it is on its way, not what the garbage collector
 * has not come to yet. A part that is never given back is garbage like any other.
 */
export class PartMemory {
  /** Bytes of one part. */
  readonly partBytes: number
  readonly #most: number
  readonly #free: Uint8Array[] = []
  readonly #lent = new WeakSet<Uint8Array>()

  /** `most`: parts that are kept for the next to need one. */
  constructor(partBytes: number, most: number) {
    this.partBytes = partBytes
    this.#most = most
  }

  /** No Buffer: the `slice` of one is a view, and whoever keeps some of a part must have a copy. */
  take(): Uint8Array {
    const part = this.#free.pop() ?? new Uint8Array(Buffer.allocUnsafeSlow(this.partBytes).buffer)
    this.#lent.add(part)
    return part
  }

  /** Is this the whole of a part that has been taken and not given back? */
  isPart(bytes: Uint8Array): boolean {
    return bytes.length === this.partBytes && this.#lent.has(bytes)
  }

  /** Nobody may refer to `part` any more. */
  giveBack(part: Uint8Array): void {
    this.#lent.delete(part)
    if (this.#free.length < this.#most) this.#free.push(part)
  }
}

/** The memory of one process. */
export interface PassingMemory {
  /** For what a client sends while it must wait: one read of a client each. */
  readonly reads: PartMemory
  /** For large requests as they come and as they leave, and for what a shared link is read into. */
  readonly pieces: PartMemory
  /** For what an exclusive link is read into. */
  readonly leased: PartMemory
  /** The read of a link that is being worked on. */
  readonly arrival: Arrival
}

/** At most 2 MiB of reads, 16 MiB of pieces and 2 MiB of leases are kept while nobody needs them. */
export function passingMemory(): PassingMemory {
  return {
    reads: new PartMemory(64 * 1024, 32),
    pieces: new PartMemory(256 * 1024, 64),
    leased: new PartMemory(128 * 1024, 16),
    arrival: new Arrival(),
  }
}
