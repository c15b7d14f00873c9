import type { SharedPart } from './shared-part.ts'

const nothing = new Uint8Array(0)

/**
 * The read that is being worked on, and how much of it is accounted for: bytes that have left the
 * process, were dropped or copied, or are held by a write. Only where that is all of them may their
 * memory be written again, so whoever keeps bytes of a reply need not say so: it is enough not to
 * say that they are gone. One for all sockets, since one read is worked off before the next.
 */
export class Arrival {
  #bytes: Uint8Array = nothing
  #part: SharedPart | null = null
  #from = 0
  #accounted = 0

  /** What is worked on from here are `bytes` from the offset `from` on; they lie in `part`. */
  begin(part: SharedPart, bytes: Uint8Array, from: number): void {
    this.#part = part
    this.#bytes = bytes
    this.#from = from
    this.#accounted = 0
  }

  /** Nobody will look at `bytes[start, end)` again. Of other memory than that of the read: ignored. */
  gone(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#bytes && start >= this.#from) this.#accounted += end - start
  }

  /** A write needs `bytes[start, end)` until it releases the part; null: they are not of this read. */
  hold(bytes: Uint8Array, start: number, end: number): SharedPart | null {
    if (bytes !== this.#bytes || start < this.#from || this.#part === null) return null
    this.#accounted += end - start
    this.#part.hold()
    return this.#part
  }

  /** Ends the work; all before the offset `to` has been worked off. Is all of that accounted for? */
  end(part: SharedPart, to: number): boolean {
    const isAll = this.#part === part && this.#accounted === to - this.#from
    this.#part = null
    this.#bytes = nothing
    return isAll
  }
}
