import type { Socket } from 'node:net'
import type { SessionContext } from './session-context.ts'

/**
 * reading: requests are taken as they come · parked: one of them must wait (for its turn, a link, a
 * verdict, room), and what the client sent behind it waits too · ending: no more requests are taken,
 * the replies owed are delivered · closed.
 */
export type IntakeState = 'reading' | 'parked' | 'ending' | 'closed'

/** What the intake asks of its session. */
export interface IntakeHome {
  /** Takes requests from `chunk` from `position` on while the intake reads; returns where it stopped. */
  take(chunk: Uint8Array, position: number): number
  /** The client has closed its side and everything it sent has been taken. */
  onAllTaken(): void
  /** Something that was waited for while ending has happened. */
  onEndingStep(): void
}

/** A read below this size is kept in memory of its own rather than in a part. */
const ownBelowBytes = 16 * 1024

/** What is left of one read. */
interface Piece {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

/** When a client's requests are taken, and where they wait when they are not. */
export class Intake {
  state: IntakeState = 'reading'
  readonly #home: IntakeHome
  #running = false
  /** The client has closed its side; what it sent before is still served. */
  halfClosed = false

  readonly #socket: Socket
  readonly #context: SessionContext
  #rest: Piece[] = []
  #restBytes = 0
  /** Tells one parking from the next, so that a late wake-up does not end the wrong one. */
  #parking = 0

  constructor(socket: Socket, context: SessionContext, home: IntakeHome) {
    this.#socket = socket
    this.#context = context
    this.#home = home
  }

  get parking(): number {
    return this.#parking
  }

  onData(chunk: Uint8Array): void {
    if (this.state === 'reading') this.#run(chunk)
    else if (this.state === 'parked') this.#keep(chunk)
  }

  park(): void {
    if (this.state !== 'reading') return
    this.state = 'parked'
    this.#parking++
  }

  /** As `park`, for a short wait: the client is not even read. */
  stop(): void {
    if (this.state !== 'reading') return
    this.park()
    this.#socket.pause()
  }

  /** Does what was waited for, then goes on with what the client sent meanwhile. */
  proceed(fn: () => void): void {
    if (this.state === 'ending') {
      fn()
      this.#home.onEndingStep()
      return
    }
    if (this.state !== 'parked') return
    const { turn } = this.#context
    turn.begin()
    this.state = 'reading'
    fn()
    if (!this.#running) this.#runRest()
    turn.end()
  }

  /** As `proceed`, if nothing else has ended this parking before. */
  wake(parking: number): void {
    if (this.#parking === parking) this.proceed(() => undefined)
  }

  end(): void {
    this.state = 'ending'
    this.#forget()
  }

  close(): void {
    this.state = 'closed'
    this.#forget()
  }

  /** The socket is read on while a request waits, so that a client that leaves is noticed. */
  #keep(chunk: Uint8Array): void {
    this.#rest.push(this.#copy(chunk, 0))
    this.#restBytes += chunk.length
    if (this.#restBytes > this.#context.limits.parkedBytes) this.#socket.pause()
  }

  /** The next read will write over `chunk`. */
  #copy(chunk: Uint8Array, from: number): Piece {
    const to = chunk.length - from
    const { reads } = this.#context.memory
    if (to < ownBelowBytes || to > reads.partBytes) return { bytes: chunk.slice(from), from: 0, to }
    const bytes = reads.take()
    bytes.set(chunk.subarray(from))
    return { bytes, from: 0, to }
  }

  /** The session copies what it wants to have of `chunk` when this returns. */
  #run(chunk: Uint8Array): void {
    const position = this.#take(chunk)
    if (this.state === 'parked' && position < chunk.length) {
      this.#rest.unshift(this.#copy(chunk, position))
      this.#restBytes += chunk.length - position
    }
  }

  #runPiece({ bytes, from, to }: Piece): void {
    this.#restBytes -= to - from
    const position = from + this.#take(bytes.subarray(from, to))
    if (this.state === 'parked' && position < to) {
      this.#rest.unshift({ bytes, from: position, to })
      this.#restBytes += to - position
    } else {
      this.#release(bytes)
    }
  }

  #take(chunk: Uint8Array): number {
    this.#running = true
    const position = this.#home.take(chunk, 0)
    this.#running = false
    return position
  }

  #release(bytes: Uint8Array): void {
    const { reads } = this.#context.memory
    if (reads.isPart(bytes)) reads.giveBack(bytes)
  }

  #runRest(): void {
    while (this.#isReading()) {
      const piece = this.#rest.shift()
      if (piece === undefined) {
        if (this.halfClosed) this.#home.onAllTaken()
        else this.#socket.resume()
        return
      }
      this.#runPiece(piece)
    }
  }

  #isReading(): boolean {
    return this.state === 'reading'
  }

  #forget(): void {
    for (const { bytes } of this.#rest) this.#release(bytes)
    this.#rest = []
    this.#restBytes = 0
  }
}
