import type { PartMemory } from '../base/part-memory.ts'

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
  readonly #memory: PartMemory
  /** The part that passing bytes are copied into, and how far. */
  #part: Uint8Array | null = null
  #partTo = 0
  /** Parts that wait, and parts that the kernel has not taken yet. */
  #filled: Uint8Array[] = []
  #leaving: Uint8Array[] = []

  constructor(arenaBytes: number, memory: PartMemory) {
    this.#arenaBytes = arenaBytes
    this.#memory = memory
    this.#arena = new Uint8Array(0)
    this.bytes = this.#arena
  }

  /** Appends a copy of `bytes[start, end)` and leaves its resting place in the registers. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.size += length
    this.#sealPart()
    if (length > copyBelowBytes) {
      this.#append(bytes.slice(start, end), 0, length)
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

  /** Appends a copy of bytes that nobody will want again: its memory is used anew when it has left. */
  appendPassing(bytes: Uint8Array, start: number, end: number): void {
    this.size += end - start
    this.#seal()
    for (let at = start; at < end;) {
      const part = (this.#part ??= this.#memory.take())
      const count = Math.min(end - at, part.length - this.#partTo)
      part.set(bytes.subarray(at, at + count), this.#partTo)
      this.#partTo += count
      at += count
      if (this.#partTo === part.length) this.#sealPart()
    }
  }

  /** All waiting bytes, in order; afterwards nothing waits, and all of it is leaving. */
  take(): Uint8Array[] {
    this.#sealPart()
    this.#seal()
    const segments = this.#segments
    this.#segments = []
    this.#leaving = this.#filled
    this.#filled = []
    this.size = 0
    return segments
  }

  /** What was taken last has been handed to the kernel. */
  left(): void {
    for (const part of this.#leaving) this.#memory.giveBack(part)
    this.#leaving = []
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

  #sealPart(): void {
    const part = this.#part
    if (part === null) return
    this.#segments.push(part.subarray(0, this.#partTo))
    this.#filled.push(part)
    this.#part = null
    this.#partTo = 0
  }

  #renew(length: number): void {
    this.#seal()
    this.#arena = Buffer.allocUnsafeSlow(Math.max(this.#arenaBytes, length))
    this.#from = 0
    this.#to = 0
  }
}
