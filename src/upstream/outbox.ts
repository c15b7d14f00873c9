import type { Arrival } from '../base/arrival.ts'
import type { PartMemory, PassingMemory } from '../base/part-memory.ts'
import { SharedPart } from '../base/shared-part.ts'

/** Requests from this size on go into memory that is used again once they are answered. */
const largeBytes = 1024

/** A part that large requests lie in, and how many of them have no reply yet. */
interface Shelf {
  readonly part: SharedPart
  unanswered: number
}

/**
 * Bytes on their way to one socket, copied one behind the other, so that one turn's requests leave
 * in one write. A request is found again at its place (and can be sent again) until its reply has
 * come. Small ones lie in an arena, of which no place is written twice; large ones, and bytes that
 * only pass through, in parts that are used again when nothing in them is needed.
 *
 *     arena or part [ written already | the open run | free ]
 *                                     ^from          ^to
 */
export class Outbox {
  /** Bytes that wait to be taken. */
  size = 0
  /** Where the last appended request lies. */
  bytes: Uint8Array
  start = 0
  end = 0

  readonly #arenaBytes: number
  #arena: Uint8Array
  #arenaTo = 0
  readonly #memory: PartMemory
  readonly #arrival: Arrival
  #part: SharedPart | null = null
  #partTo = 0
  /** Parts with large requests that may have to be sent again, by their bytes. */
  readonly #shelves = new Map<Uint8Array, Shelf>()
  /** The run that grows: the memory it lies in, and from where to where. */
  #run: Uint8Array
  #from = 0
  #to = 0
  #segments: Uint8Array[] = []
  /** The parts of those segments, and of those that the kernel has not taken yet. */
  #waiting: SharedPart[] = []
  #leaving: SharedPart[] = []

  constructor(arenaBytes: number, { pieces, arrival }: Pick<PassingMemory, 'pieces' | 'arrival'>) {
    this.#arenaBytes = arenaBytes
    this.#memory = pieces
    this.#arrival = arrival
    this.#arena = new Uint8Array(0)
    this.#run = this.#arena
    this.bytes = this.#arena
  }

  /** Appends a copy of `bytes[start, end)` and leaves its resting place in the registers. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.size += length
    if (length >= largeBytes) {
      this.#appendLarge(bytes, start, end)
      return
    }
    if (this.#arenaTo + length > this.#arena.length) this.#renew(length)
    const at = this.#arenaTo
    const arena = this.#arena
    if (length < 64) {
      for (let i = 0; i < length; i++) arena[at + i] = bytes[start + i] as number
    } else {
      arena.set(bytes.subarray(start, end), at)
    }
    this.#arenaTo = at + length
    this.#grow(arena, at, this.#arenaTo)
    this.bytes = arena
    this.start = at
    this.end = this.#arenaTo
  }

  /**
   * Appends bytes that nobody will want again: as they are where they may stay until they have left,
   * else a copy.
   */
  appendPassing(bytes: Uint8Array, start: number, end: number): void {
    this.size += end - start
    const held = this.#arrival.hold(bytes, start, end)
    if (held !== null) {
      this.#seal()
      this.#segments.push(bytes.subarray(start, end))
      this.#waiting.push(held)
      return
    }
    for (let at = start; at < end;) {
      const part = this.#partWith(1)
      const count = Math.min(end - at, part.bytes.length - this.#partTo)
      this.#copy(part, bytes, at, at + count)
      at += count
    }
  }

  /** All waiting bytes, in order; afterwards nothing waits, and all of it is leaving. */
  take(): Uint8Array[] {
    this.#seal()
    const segments = this.#segments
    this.#segments = []
    this.#leaving = this.#waiting
    this.#waiting = []
    this.size = 0
    return segments
  }

  /** What was taken last has been handed to the kernel. */
  left(): void {
    for (const part of this.#leaving) part.release()
    this.#leaving = []
  }

  /** The request at this place has been answered: nobody will want it again. */
  answered(bytes: Uint8Array): void {
    if (this.#shelves.size === 0) return
    const shelf = this.#shelves.get(bytes)
    if (shelf === undefined) return
    shelf.part.release()
    if (--shelf.unanswered === 0) this.#shelves.delete(bytes)
  }

  /** The request at this place is one of so many from now on. */
  split(bytes: Uint8Array, count: number): void {
    const shelf = this.#shelves.get(bytes)
    if (shelf === undefined) return
    for (let i = 1; i < count; i++) shelf.part.hold()
    shelf.unanswered += count - 1
  }

  /** The request at this place is kept by others, who will send it again. */
  kept(bytes: Uint8Array): void {
    this.#shelves.get(bytes)?.part.keep()
    this.#shelves.delete(bytes)
  }

  #appendLarge(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length > this.#memory.partBytes) {
      this.#appendOwn(bytes.slice(start, end))
      return
    }
    const part = this.#partWith(length)
    part.hold()
    const shelf = this.#shelves.get(part.bytes)
    if (shelf === undefined) this.#shelves.set(part.bytes, { part, unanswered: 1 })
    else shelf.unanswered++
    this.bytes = part.bytes
    this.start = this.#partTo
    this.end = this.#partTo + length
    this.#copy(part, bytes, start, end)
  }

  #appendOwn(bytes: Uint8Array): void {
    this.#seal()
    this.#segments.push(bytes)
    this.bytes = bytes
    this.start = 0
    this.end = bytes.length
  }

  /** A part with room for so many bytes. */
  #partWith(length: number): SharedPart {
    let part = this.#part
    if (part !== null && this.#partTo + length <= part.bytes.length) return part
    if (part !== null && this.#run === part.bytes) this.#seal()
    if (part?.isFree !== true) {
      part?.release()
      part = this.#part = new SharedPart(this.#memory)
    }
    this.#partTo = 0
    return part
  }

  #copy(part: SharedPart, bytes: Uint8Array, start: number, end: number): void {
    const at = this.#partTo
    part.bytes.set(bytes.subarray(start, end), at)
    this.#partTo = at + end - start
    this.#grow(part.bytes, at, this.#partTo)
  }

  /** The bytes from `from` to `to` follow the open run, or begin the next. */
  #grow(memory: Uint8Array, from: number, to: number): void {
    if (memory !== this.#run || from !== this.#to) {
      this.#seal()
      this.#run = memory
      this.#from = from
    }
    this.#to = to
  }

  #seal(): void {
    if (this.#to === this.#from) return
    this.#segments.push(this.#run.subarray(this.#from, this.#to))
    this.#from = this.#to
    if (this.#part?.bytes === this.#run) {
      this.#part.hold()
      this.#waiting.push(this.#part)
    }
  }

  #renew(length: number): void {
    this.#arena = Buffer.allocUnsafeSlow(Math.max(this.#arenaBytes, length))
    this.#arenaTo = 0
  }
}
