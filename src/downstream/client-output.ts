import type { Socket } from 'node:net'
import type { PartMemory } from '../base/part-memory.ts'
import type { Flushable, Turn } from '../base/turn.ts'

const nothing = new Uint8Array(0)

/**
 * What goes back to one client. The replies of one turn leave in one write: neighbours in the
 * upstream's bytes are joined without a copy, others are written together.
 */
export class ClientOutput implements Flushable {
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #memory: PartMemory
  /** The run of bytes that grows as long as replies follow each other in the same chunk. */
  #bytes: Uint8Array = nothing
  #start = 0
  #end = 0
  /** Runs before the growing one. */
  #earlier: Uint8Array[] | null = null
  #queued = false

  constructor(socket: Socket, turn: Turn, memory: PartMemory) {
    this.#socket = socket
    this.#turn = turn
    this.#memory = memory
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#bytes && start === this.#end) {
      this.#end = end
      return
    }
    if (this.#end > this.#start) {
      this.#earlier ??= []
      this.#earlier.push(this.#bytes.subarray(this.#start, this.#end))
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
    if (this.#end === this.#start || this.#socket.destroyed) return
    const bytes = this.#bytes
    const isAll = this.#start === 0 && this.#end === bytes.length
    const last = isAll ? bytes : bytes.subarray(this.#start, this.#end)
    const earlier = this.#earlier
    this.#bytes = nothing
    this.#start = 0
    this.#end = 0
    if (earlier === null) {
      if (this.#memory.isPart(bytes)) this.#writePart(bytes, last)
      else this.#socket.write(last)
      return
    }
    this.#earlier = null
    earlier.push(last)
    this.#socket.write(Buffer.concat(earlier))
  }

  /** Where the socket fails it may still hold the part: then it is left to the garbage collector. */
  #writePart(part: Uint8Array, filled: Uint8Array): void {
    this.#socket.write(filled, (error) => {
      if (error == null) this.#memory.giveBack(part)
    })
  }
}
