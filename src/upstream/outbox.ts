/** Requests above this size are not copied into the arena but written as a segment of their own. */
const copyBelowBytes = 16 * 1024

/**
 * Bytes on their way to one socket. Small requests are copied one behind the other into an arena,
 * so that one turn's requests leave in one write; an arena is never written twice at one place, so
 * a request can be found there again (and be sent again) until its reply has come.
 *
 *     arena [ written already | waiting | free ]
 *                             ^from     ^to
 */
export class Outbox {
  /** Bytes that wait to be taken. */
  size = 0
  /** Where the last appended bytes lie. */
  bytes: Uint8Array
  start = 0
  end = 0

  readonly #arenaBytes: number
  #arena: Uint8Array
  #from = 0
  #to = 0
  #segments: Uint8Array[] = []

  constructor(arenaBytes: number) {
    this.#arenaBytes = arenaBytes
    this.#arena = new Uint8Array(0)
    this.bytes = this.#arena
  }

  /** Appends `bytes[start, end)` and leaves its resting place in the registers. */
  append(bytes: Uint8Array, start: number, end: number, kept: boolean): void {
    const length = end - start
    this.size += length
    if (length > copyBelowBytes) {
      this.#append(kept ? bytes : bytes.slice(start, end), kept ? start : 0, kept ? end : length)
      return
    }
    if (this.#to + length > this.#arena.length) this.#renew(length)
    const at = this.#to
    if (length < 64) {
      const arena = this.#arena
      for (let i = 0; i < length; i++) arena[at + i] = bytes[start + i] as number
    } else {
      this.#arena.set(bytes.subarray(start, end), at)
    }
    this.#to = at + length
    this.bytes = this.#arena
    this.start = at
    this.end = this.#to
  }

  /** All waiting bytes, in order; afterwards nothing waits. */
  take(): Uint8Array[] {
    this.#seal()
    const segments = this.#segments
    this.#segments = []
    this.size = 0
    return segments
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#seal()
    this.#segments.push(bytes.subarray(start, end))
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  #seal(): void {
    if (this.#to > this.#from) this.#segments.push(this.#arena.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #renew(length: number): void {
    this.#seal()
    this.#arena = Buffer.allocUnsafeSlow(Math.max(this.#arenaBytes, length))
    this.#from = 0
    this.#to = 0
  }
}
