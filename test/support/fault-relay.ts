import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

import { freePort } from './ports.ts'

/** `up` is from the client to the server, `down` the way back. */
export type Direction = 'up' | 'down'

/** What happens when `byte` bytes have passed in `direction`: the byte after them is not forwarded. */
export interface Fault {
  readonly direction: Direction
  readonly byte: number
  /** `cut`: both sides are reset. `half-close`: that direction is ended. `blackhole`: swallowed. */
  readonly action: 'cut' | 'half-close' | 'blackhole'
}

export interface Rule {
  readonly fault?: Fault
  /** Milliseconds that every chunk waits, in order. */
  readonly delayMs?: Partial<Record<Direction, number>>
}

interface Pipe {
  readonly client: Socket
  readonly server: Socket
  readonly rule: Rule
  readonly passed: Record<Direction, number>
  readonly timers: Set<NodeJS.Timeout>
}

/** A TCP relay that can be told to misbehave. Bytes and half-closes are passed on faithfully else. */
export class FaultRelay {
  readonly port: number
  /** The rule of connections that are accepted from now on. */
  rule: Rule = {}
  /** Connections accepted so far. */
  accepted = 0
  /** Ports from which it has connected to the server: an outgoing connection is told by them there. */
  readonly outgoing = new Set<number>()
  readonly #target: () => number
  readonly #server: Server
  readonly #pipes = new Set<Pipe>()
  #swallow = new Set<Direction>()

  constructor(port: number, target: () => number) {
    this.port = port
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  get open(): number {
    return this.#pipes.size
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.port, '127.0.0.1', resolve)
    })
  }

  /** From now on nothing is forwarded in these directions, on old and new connections; sockets stay. */
  blackhole(...directions: readonly Direction[]): void {
    this.#swallow = new Set(directions)
  }

  /** Resets every connection. */
  cutAll(): void {
    for (const pipe of this.#pipes) this.#cut(pipe)
  }

  async stop(): Promise<void> {
    this.cutAll()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    this.accepted += 1
    const server = connect({ port: this.#target(), host: '127.0.0.1', allowHalfOpen: true })
    const passed = { up: 0, down: 0 }
    const pipe: Pipe = { client, server, rule: this.rule, passed, timers: new Set() }
    this.#pipes.add(pipe)
    server.once('connect', () => this.outgoing.add(server.localPort ?? 0))
    client.setNoDelay(true)
    server.setNoDelay(true)
    this.#connect(pipe, 'up', client, server)
    this.#connect(pipe, 'down', server, client)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // A reset on one side; 'close' follows.
      socket.on('error', () => undefined)
      socket.on('close', () => this.#closed(pipe, other))
    }
  }

  #connect(pipe: Pipe, direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (chunk) =>
      this.#later(pipe, direction, () => this.#pass(pipe, direction, chunk)),
    )
    from.on('end', () => this.#later(pipe, direction, () => to.end()))
  }

  #later(pipe: Pipe, direction: Direction, action: () => void): void {
    const delay = pipe.rule.delayMs?.[direction]
    if (delay === undefined) {
      action()
      return
    }
    const timer = setTimeout(() => {
      pipe.timers.delete(timer)
      action()
    }, delay)
    pipe.timers.add(timer)
  }

  #pass(pipe: Pipe, direction: Direction, chunk: Buffer): void {
    if (this.#swallow.has(direction)) return
    const to = direction === 'up' ? pipe.server : pipe.client
    const before = pipe.passed[direction]
    pipe.passed[direction] += chunk.length
    const fault = pipe.rule.fault
    if (fault === undefined || fault.direction !== direction) {
      to.write(chunk)
      return
    }
    if (before >= fault.byte) return
    to.write(chunk.subarray(0, fault.byte - before))
    if (pipe.passed[direction] < fault.byte) return
    if (fault.action === 'half-close') to.end()
    if (fault.action === 'cut') to.write('', () => this.#cut(pipe))
  }

  #cut(pipe: Pipe): void {
    for (const socket of [pipe.client, pipe.server]) {
      if (!socket.destroyed) socket.resetAndDestroy()
    }
  }

  /** What the closed side said last is still delivered to the other, then that is closed too. */
  #closed(pipe: Pipe, other: Socket): void {
    for (const timer of pipe.timers) clearTimeout(timer)
    pipe.timers.clear()
    this.#pipes.delete(pipe)
    other.destroySoon()
  }
}

/** Starts a relay to `target`, which is asked anew for each connection. */
export async function startRelay(target: number | (() => number)): Promise<FaultRelay> {
  const relay = new FaultRelay(await freePort(), typeof target === 'number' ? () => target : target)
  await relay.listen()
  return relay
}
