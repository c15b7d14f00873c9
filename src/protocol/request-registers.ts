const nothing: Uint8Array = Buffer.alloc(0)

/**
 * What a `RequestFramer` found: the result of its last `next`, valid until the following one.
 * Registers, because a result object for each of a million requests a second is too dear.
 */
export class RequestRegisters {
  /** The request, or the part of one, is `bytes[start, end)`. */
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  /** Arguments of the request, its name included. */
  argc = 0
  /** The name is `bytes[nameStart, nameEnd)`; empty when it is itself too large to gather. */
  nameStart = 0
  nameEnd = 0
  /** The first argument behind the name likewise; -1 when there is none, or it is too large. */
  subStart = -1
  subEnd = -1
  /** Where the next call goes on in the chunk. */
  position = 0
  /** Whether `bytes` is the consumer's to keep: not the chunk, and never written again. */
  owned = false
  /** After `framed.fault`: the whole reply to send before closing. */
  fault: Uint8Array = nothing

  protected register(bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.owned = owned
  }

  /** Holds on to nothing any more. */
  protected clear(): void {
    this.bytes = nothing
    this.start = 0
    this.end = 0
  }
}
