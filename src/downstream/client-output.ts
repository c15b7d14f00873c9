import type { Socket } from 'node:net'
import type { Arrival } from '../base/arrival.ts'
import type { SharedPart } from '../base/shared-part.ts'
import type { Flushable, Turn } from '../base/turn.ts'

const nothing = new Uint8Array(0)

/** A write of this many bytes may keep the memory of a whole read from being used again. */
const largeBytes = 16 * 1024

/** A reply of up to so many bytes is copied in less time than a view of it takes to make. */
const smallBytes = 32

/** What small replies leave in, by their length: each is free again once the kernel has taken it. */
const small = Array.from({ length: smallBytes + 1 }, (_, length) => Buffer.allocUnsafeSlow(length))

/** Bytes that lie together. */
interface Run {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * What goes back to one client. The replies of one turn leave in one write: neighbours in the
 * upstream's bytes are joined without a copy, others are put together.
 */
export class ClientOutput implements Flushable {
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #arrival: Arrival
  /** The run of bytes that grows as long as replies follow each other in the same memory. */
  #bytes: Uint8Array = nothing
  #start = 0
  #end = 0
  /** Runs before the growing one. */
  #earlier: Run[] | null = null
  #queued = false

  constructor(socket: Socket, turn: Turn, arrival: Arrival) {
    this.#socket = socket
    this.#turn = turn
    this.#arrival = arrival
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return
    if (bytes === this.#bytes && start === this.#end) {
      this.#end = end
      return
    }
    if (this.#end > this.#start) {
      this.#earlier ??= []
      this.#earlier.push({ bytes: this.#bytes, start: this.#start, end: this.#end })
    }
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    if (!this.#queued) {
      this.#queued = true
      this.#turn.add(this)
    }
  }

  /** Bytes that the client has not taken yet. */
  get unread(): number {
    return this.#socket.writableLength
  }

  flush(): void {
    this.#queued = false
    const bytes = this.#bytes
    const start = this.#start
    const end = this.#end
    if (end === start) return
    this.#bytes = nothing
    this.#start = 0
    this.#end = 0
    if (this.#earlier !== null) {
      const runs = this.#earlier
      this.#earlier = null
      runs.push({ bytes, start, end })
      this.#writeTogether(runs)
    } else if (end - start >= largeBytes) {
      this.#writeLarge(bytes, start, end)
    } else if (end - start <= smallBytes) {
      this.#writeSmall(bytes, start, end)
    } else {
      this.#socket.write(bytes.subarray(start, end))
      if (this.#socket.writableLength === 0) this.#arrival.gone(bytes, start, end)
    }
  }

  #writeSmall(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const copy = small[length] as Buffer
    for (let i = 0; i < length; i++) copy[i] = bytes[start + i] as number
    this.#arrival.gone(bytes, start, end)
    this.#socket.write(copy)
    if (this.#socket.writableLength > 0) small[length] = Buffer.allocUnsafeSlow(length)
  }

  #writeTogether(runs: readonly Run[]): void {
    let length = 0
    for (const { start, end } of runs) length += end - start
    const all = Buffer.allocUnsafe(length)
    let at = 0
    for (const { bytes, start, end } of runs) {
      all.set(bytes.subarray(start, end), at)
      at += end - start
      this.#arrival.gone(bytes, start, end)
    }
    this.#socket.write(all)
  }

  /**
   * What the kernel does not take at once stays where it is until it does. Where the socket fails it
   * may still hold the bytes: then they are left to the garbage collector.
   */
  #writeLarge(bytes: Uint8Array, start: number, end: number): void {
    let part: SharedPart | null = null
    this.#socket.write(bytes.subarray(start, end), (error) => {
      if (error != null) part?.keep()
      part?.release()
    })
    if (this.#socket.writableLength > 0) part = this.#arrival.hold(bytes, start, end)
    else this.#arrival.gone(bytes, start, end)
  }
}
