import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

import { freePort } from './ports.ts'
import { until } from './until.ts'

/**
 * What is waited for on the way to the server, and what is done once.
 * lost-reply: the server gets it; what it answers is thrown away and the connection is reset, so the
 * command has run and nobody knows. cut: only the bytes up to `keep` behind its beginning get through.
 */
export interface Trap {
  readonly needle: string
  readonly action: 'lost-reply' | 'cut'
  /** Bytes of the needle that still pass, for `cut`. */
  readonly keep?: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** The end of what has passed up, so that a needle is found across chunks. */
  tail: Buffer
  deaf: boolean
}

/** A TCP relay that breaks a connection at the very command it is told, once. */
export class TrapRelay {
  readonly port: number
  /** Connections accepted so far. */
  accepted = 0
  /** What every new connection is told before it is closed, as a server that wants no clients. */
  refusal: string | null = null
  readonly #target: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #trap: Trap | null = null

  private constructor(port: number, target: number) {
    this.port = port
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  static async start(target: number): Promise<TrapRelay> {
    const relay = new TrapRelay(await freePort(), target)
    await new Promise<void>((done, failed) => {
      relay.#server.once('error', failed)
      relay.#server.listen(relay.port, '127.0.0.1', done)
    })
    return relay
  }

  set(trap: Trap): void {
    this.#trap = trap
  }

  /** Resolves when the trap has been sprung. */
  async sprung(): Promise<void> {
    await until(() => this.#trap === null, { within: 5_000, every: 2, what: 'the trap to spring' })
  }

  cutAll(): void {
    for (const pair of this.#pairs) this.#cut(pair)
  }

  async stop(): Promise<void> {
    this.cutAll()
    await new Promise<void>((done) => this.#server.close(() => done()))
  }

  #accept(client: Socket): void {
    this.accepted += 1
    client.on('error', () => undefined)
    if (this.refusal !== null) {
      client.end(this.refusal)
      client.resume()
      return
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true })
    const pair: Pair = { client, server, tail: Buffer.alloc(0), deaf: false }
    this.#pairs.add(pair)
    client.setNoDelay(true)
    server.setNoDelay(true)
    server.on('error', () => undefined)
    client.on('data', (chunk) => this.#up(pair, chunk))
    server.on('data', (chunk) => this.#down(pair, chunk))
    client.on('end', () => server.end())
    server.on('end', () => client.end())
    for (const socket of [client, server]) {
      socket.on('close', () => {
        this.#pairs.delete(pair)
        client.destroySoon()
        server.destroySoon()
      })
    }
  }

  #up(pair: Pair, chunk: Buffer): void {
    const trap = this.#trap
    if (pair.deaf) return
    const seen = Buffer.concat([pair.tail, chunk])
    const at = trap === null ? -1 : seen.indexOf(trap.needle)
    if (trap === null || at < 0) {
      pair.tail = seen.subarray(Math.max(0, seen.length - 4096))
      pair.server.write(chunk)
      return
    }
    pair.deaf = true
    if (trap.action === 'cut') {
      const rest = seen.subarray(pair.tail.length, at + (trap.keep ?? 0))
      pair.server.write(rest, () => this.#spring(pair))
    } else {
      pair.server.write(chunk)
    }
  }

  #down(pair: Pair, chunk: Buffer): void {
    if (!pair.deaf) pair.client.write(chunk)
    else if (this.#trap?.action === 'lost-reply') this.#spring(pair)
  }

  #spring(pair: Pair): void {
    this.#trap = null
    this.#cut(pair)
  }

  #cut(pair: Pair): void {
    for (const socket of [pair.client, pair.server]) {
      if (!socket.destroyed) socket.resetAndDestroy()
    }
  }
}
