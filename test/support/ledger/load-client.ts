import type { RawClient } from '../raw-client.ts'
import type { Random } from '../random.ts'
import { faultOf } from '../resp.ts'
import type { Reply } from '../resp.ts'
import type { Book, Outcome } from './book.ts'
import { LedgerConnection } from './connection.ts'

/** What the ledger asks of each of its clients. */
export interface LoadClient {
  readonly name: string
  start(): void
  /** Issues nothing new. */
  pause(): void
  /** Nothing is outstanding that must be answered. */
  readonly idle: boolean
  /** All its connections are up. */
  readonly connected: boolean
  /** Compares its account with the surviving master; after `pause`. */
  audit(reader: RawClient): Promise<void>
  leave(): void
}

export interface LoadContext {
  readonly port: number
  readonly book: Book
  readonly random: Random
  /** Mean milliseconds between an answer and the next command. */
  readonly thinkMs: number
}

/** A client with one connection that does one operation after the other. */
export abstract class LoopClient implements LoadClient {
  readonly name: string
  protected readonly context: LoadContext
  protected readonly connection: LedgerConnection
  #timer: NodeJS.Timeout | undefined
  #paused = false
  #busy = false

  constructor(name: string, context: LoadContext) {
    this.name = name
    this.context = context
    this.connection = new LedgerConnection(name, context.port, context.book)
  }

  get idle(): boolean {
    return !this.#busy
  }

  get connected(): boolean {
    return this.connection.connected
  }

  start(): void {
    this.#timer = setTimeout(() => this.#next(), this.context.random.next() * this.context.thinkMs)
  }

  pause(): void {
    this.#paused = true
    clearTimeout(this.#timer)
  }

  leave(): void {
    this.pause()
    this.connection.leave()
  }

  abstract audit(reader: RawClient): Promise<void>

  /** Sends one operation and calls `done` when it is over, whatever became of it. */
  protected abstract operate(done: () => void): void

  /** The outcome of the n-th reply of an operation; a missing one means the connection was lost. */
  protected outcome(
    replies: readonly Reply[],
    n: number,
    kind: 'read' | 'write' = 'write',
  ): Outcome {
    const reply = replies[n]
    if (reply === undefined) {
      this.context.book.doubt(kind)
      return 'in-doubt'
    }
    return this.context.book.outcome(faultOf(reply), kind)
  }

  #next(): void {
    if (this.#paused) return
    if (!this.connection.usable) {
      this.start()
      return
    }
    this.#busy = true
    this.operate(() => {
      this.#busy = false
      if (this.#paused) return
      const pause = this.context.thinkMs * (0.5 + this.context.random.next())
      this.#timer = setTimeout(() => this.#next(), pause)
    })
  }
}

export async function readText(reader: RawClient, key: string): Promise<string | null> {
  const reply = await reader.command('GET', key)
  return typeof reply === 'string' ? reply : null
}

export async function readCount(reader: RawClient, key: string): Promise<number> {
  return Number((await readText(reader, key)) ?? 0)
}
