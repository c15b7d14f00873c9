import { Redis } from 'ioredis'
import { createClient } from 'redis'

import type { RawClient } from '../raw-client.ts'
import { CounterAccount } from './accounts.ts'
import { readCount } from './load-client.ts'
import type { LoadClient, LoadContext } from './load-client.ts'

/** What the ledger needs of a client library; its retries and queues are switched off. */
interface Library {
  incr(key: string): Promise<number>
  echo(text: string): Promise<string>
  /** Is called when the connection is lost. */
  onDrop(listener: () => void): void
  connect(): Promise<unknown>
  close(): void
}

/**
 * A real library under load: INCR of its own counter and an ECHO of its own name, one after the
 * other. It does not reconnect: a dropped connection is the end of it, and is in the book.
 */
export class LibraryClient implements LoadClient {
  readonly name: string
  readonly #context: LoadContext
  readonly #library: Library
  readonly #account: CounterAccount
  #connected = false
  #leaving = false
  #paused = false
  #busy = false
  #n = 0
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, context: LoadContext, library: Library) {
    this.name = name
    this.#context = context
    this.#library = library
    this.#account = new CounterAccount(name, `ledger:{${name}}:library`, context.book)
    library.onDrop(() => this.#dropped())
    library.connect().then(
      () => (this.#connected = true),
      () => this.#dropped(),
    )
  }

  get idle(): boolean {
    return !this.#busy
  }

  get connected(): boolean {
    return this.#connected
  }

  start(): void {
    this.#later()
  }

  pause(): void {
    this.#paused = true
    clearTimeout(this.#timer)
  }

  leave(): void {
    this.pause()
    this.#leaving = true
    this.#library.close()
  }

  async audit(reader: RawClient): Promise<void> {
    this.#account.audit(await readCount(reader, this.#account.key))
  }

  #dropped(): void {
    if (this.#leaving || !this.#connected) return
    this.#connected = false
    this.#context.book.dropped.push(this.name)
  }

  #later(): void {
    if (this.#paused || !this.#connected) return
    const pause = this.#context.thinkMs * (0.5 + this.#context.random.next())
    this.#timer = setTimeout(() => void this.#operate(), pause)
  }

  async #operate(): Promise<void> {
    this.#busy = true
    this.#n += 1
    const issuedAt = performance.now()
    const token = `${this.name}:${this.#n}`
    const both = await Promise.allSettled([
      this.#library.incr(this.#account.key),
      this.#library.echo(token),
    ])
    if (this.#leaving) return
    const [count, echo] = both
    const book = this.#context.book
    if (count.status === 'fulfilled') {
      book.outcome('')
      this.#account.acked(count.value)
    } else if (this.#failed(count.reason) === 'in-doubt') this.#account.doubted()
    if (echo.status === 'rejected') this.#failed(echo.reason, 'read')
    else if (echo.value !== token) book.wrongOwner.push(`${token} got ${echo.value}`)
    else book.outcome('')
    book.answered(this.name, issuedAt)
    this.#busy = false
    this.#later()
  }

  #failed(reason: unknown, kind: 'read' | 'write' = 'write'): string {
    const text = reason instanceof Error ? reason.message : String(reason)
    // A reply has an upper-case code; what a library says of a lost connection has none.
    if (/^[A-Z]+ /.test(text)) return this.#context.book.outcome(text, kind)
    this.#context.book.doubt(kind)
    return 'in-doubt'
  }
}

export function ioredisClient(name: string, context: LoadContext): LibraryClient {
  const client = new Redis({
    port: context.port,
    lazyConnect: true,
    retryStrategy: null,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    reconnectOnError: null,
  })
  client.on('error', () => undefined)
  return new LibraryClient(name, context, {
    incr: (key) => client.incr(key),
    echo: (text) => client.echo(text),
    onDrop: (listener) => client.on('close', listener),
    connect: () => client.connect(),
    close: () => client.disconnect(),
  })
}

export function nodeRedisClient(name: string, context: LoadContext): LibraryClient {
  const client = createClient({
    socket: { port: context.port, reconnectStrategy: false },
    disableOfflineQueue: true,
  })
  let listener: () => void = () => undefined
  client.on('error', () => listener())
  client.on('end', () => listener())
  return new LibraryClient(name, context, {
    incr: (key) => client.incr(key),
    echo: (text) => client.echo(text),
    onDrop: (told) => (listener = told),
    connect: () => client.connect(),
    close: () => {
      if (client.isOpen) client.destroy()
    },
  })
}
