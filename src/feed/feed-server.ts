import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { removeStaleSocket } from '../base/stale-socket.ts'
import { LineReader } from './lines.ts'
import { MAX_LINE_BYTES, decodeReader, encode } from './messages.ts'
import type { FeedMessage, ReaderMessage } from './messages.ts'

export interface FeedServerOptions {
  /** Path of the unix socket. */
  readonly path: string
  readonly heartbeatMs?: number
  /** A reader that leaves more than this unread is cut off; it comes back for a snapshot. */
  readonly maxBufferedBytes?: number
}

export interface FeedServerDeps {
  readonly clock: Clock
  readonly log: Log
  /** What a new reader is told first, one message a group. */
  readonly snapshot: () => readonly FeedMessage[]
  readonly heartbeat: () => FeedMessage
  /** `reader` is the number of the connection. */
  readonly onReader: (message: ReaderMessage, reader: number) => void
  readonly onReaderGone?: (reader: number) => void
}

/** Readers at most: one a worker, with room for restarts and for people. */
const MAX_READERS = 256

/** The monitor's end of the feed: a snapshot to each new reader, then every change to all. */
export class FeedServer {
  readonly #options: Required<FeedServerOptions>
  readonly #deps: FeedServerDeps
  readonly #readers = new Set<Socket>()
  readonly #server: Server
  #lastReader = 0
  #cancelHeartbeat: () => void = nothing

  private constructor(options: FeedServerOptions, deps: FeedServerDeps) {
    this.#options = { heartbeatMs: 1_000, maxBufferedBytes: 4 * MAX_LINE_BYTES, ...options }
    this.#deps = deps
    this.#server = createServer((socket) => {
      this.#welcome(socket)
    })
    this.#server.maxConnections = MAX_READERS
  }

  /** Listens. Takes the place of a dead process's socket file, refuses that of a living one. */
  static async listen(options: FeedServerOptions, deps: FeedServerDeps): Promise<FeedServer> {
    const feed = new FeedServer(options, deps)
    await removeStaleSocket(options.path)
    await feed.#listen()
    feed.#beat()
    return feed
  }

  get readers(): number {
    return this.#readers.size
  }

  publish(message: FeedMessage): void {
    const line = encode(message)
    for (const socket of this.#readers) this.#write(socket, line)
  }

  async close(): Promise<void> {
    this.#cancelHeartbeat()
    for (const socket of this.#readers) socket.destroy()
    this.#readers.clear()
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(new ProxyError('FEED', `cannot listen: ${cause.message}`, { cause }))
      })
      // The umask holds from the first moment on; chmod after listen would leave a gap.
      const umask = process.umask(0o177)
      this.#server.listen(this.#options.path, () => {
        chmodSync(this.#options.path, 0o600)
        resolve()
      })
      process.umask(umask)
    })
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#deps.clock.after(this.#options.heartbeatMs, () => {
      this.publish(this.#deps.heartbeat())
      this.#beat()
    })
  }

  #welcome(socket: Socket): void {
    const lines = new LineReader(MAX_LINE_BYTES)
    const reader = ++this.#lastReader
    this.#readers.add(socket)
    socket.on('close', () => {
      this.#readers.delete(socket)
      this.#deps.onReaderGone?.(reader)
    })
    socket.on('error', (error) => {
      this.#deps.log.debug({ reason: error.message }, 'a reader of the feed was lost')
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of lines.push(chunk)) {
          this.#deps.onReader(decodeReader(line), reader)
        }
      } catch (error) {
        this.#deps.log.warn({ reason: reasonOf(error) }, 'a reader of the feed was cut off')
        socket.destroy()
      }
    })
    for (const message of this.#deps.snapshot()) this.#write(socket, encode(message))
  }

  #write(socket: Socket, line: string): void {
    socket.write(line)
    if (socket.writableLength <= this.#options.maxBufferedBytes) return
    this.#deps.log.warn({ unread: socket.writableLength }, 'a slow reader of the feed was cut off')
    socket.destroy()
  }
}

function nothing(): void {
  // There is no timer yet.
}
