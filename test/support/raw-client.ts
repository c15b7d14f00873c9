import { connect } from 'node:net'
import type { Socket } from 'node:net'

import { FrameScanner, encode, parse } from './resp.ts'
import type { Arg, Reply } from './resp.ts'
import { until } from './until.ts'

export interface RawClientOptions {
  readonly host?: string
  /** Milliseconds that any read may take; 5 s unless told. */
  readonly patience?: number
}

/**
 * A client that hides nothing: it sends the bytes it is given and shows the bytes that came.
 * It never reconnects, never retries and knows no command.
 */
export class RawClient {
  readonly socket: Socket
  readonly #scanner = new FrameScanner()
  readonly #frames: Buffer[] = []
  readonly #patience: number
  #ended = false
  #closed = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket, patience: number) {
    this.socket = socket
    this.#patience = patience
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#frames.push(...this.#scanner.feed(chunk))
      this.#wake?.()
    })
    // A reset is an end like any other to a conversation; 'close' always follows.
    socket.on('error', () => undefined)
    socket.on('end', () => {
      this.#ended = true
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#closed = true
      this.#wake?.()
    })
  }

  static async connect(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const socket = connect({ port, host: options.host ?? '127.0.0.1', allowHalfOpen: true })
    const client = new RawClient(socket, options.patience ?? 5_000)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return client
  }

  /** The other side has ended its stream (or the socket is gone). */
  get ended(): boolean {
    return this.#ended
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Complete replies that have arrived and have not been taken. */
  get waiting(): number {
    return this.#frames.length
  }

  /** Sends bytes; with `segment`, in pieces of that many bytes, one write (and packet) each. */
  async send(bytes: Buffer | string, segment?: number): Promise<void> {
    const data = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1')
    if (segment === undefined) {
      this.socket.write(data)
      return
    }
    for (let at = 0; at < data.length; at += segment) {
      this.socket.write(data.subarray(at, at + segment))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The next `count` replies as bytes. Fails when the stream ends or the patience is over first. */
  async frames(count: number, patience: number = this.#patience): Promise<Buffer[]> {
    await this.#until(() => this.#frames.length >= count, patience, `${count} replies`)
    return this.#frames.splice(0, count)
  }

  /** Everything up to the end of the stream, complete replies or not. */
  async rest(patience: number = this.#patience): Promise<Buffer> {
    await this.#until(() => this.#ended, patience, 'the end of the stream')
    return Buffer.concat([...this.#frames.splice(0), this.#scanner.rest()])
  }

  async command(...args: readonly Arg[]): Promise<Reply> {
    this.socket.write(encode(...args))
    const [frame] = await this.frames(1)
    return frame === undefined ? null : parse(frame)
  }

  /** Half-close: nothing more will be sent, answers are still read. */
  end(): void {
    this.socket.end()
  }

  /** Gone at once; resolves when the socket is closed. */
  async destroy(): Promise<void> {
    this.socket.destroy()
    await until(() => this.#closed, {
      within: 2_000,
      every: 5,
      what: 'a destroyed socket to close',
    })
  }

  async #until(ready: () => boolean, patience: number, what: string): Promise<void> {
    const deadline = performance.now() + patience
    while (!ready()) {
      const left = deadline - performance.now()
      const late = left <= 0
      if (late || this.#ended) {
        const why = late ? `not within ${patience} ms` : 'the stream ended'
        throw new Error(`waited for ${what}: ${why}; have ${this.#describe()}`)
      }
      await this.#change(left)
    }
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  #describe(): string {
    const text = Buffer.concat([...this.#frames, this.#scanner.rest()]).toString('latin1', 0, 300)
    return `${this.#frames.length} replies ${JSON.stringify(text)}`
  }
}

/** One command on a connection of its own. */
export async function ask(port: number, ...args: readonly Arg[]): Promise<Reply> {
  const client = await RawClient.connect(port)
  try {
    return await client.command(...args)
  } finally {
    await client.destroy()
  }
}
