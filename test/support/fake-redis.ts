import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

import { freePort } from './ports.ts'
import { RequestScanner } from './request-scanner.ts'

/** One request as the fake sees it. Names are upper-case; arguments latin1. */
export interface FakeRequest {
  readonly name: string
  readonly args: readonly string[]
  /** 1 for the first connection of this fake. */
  readonly connection: number
  readonly at: number
}

/**
 * What the fake does with a request: a string is written as it is (bytes of a reply, or half of
 * one); `close` ends the connection, `reset` resets it, `hang` never answers. An array is done in order.
 */
export type FakeAnswer =
  string | { readonly then: 'close' | 'reset' | 'hang' } | readonly FakeAnswer[]

export type FakeScript = (request: FakeRequest) => FakeAnswer | undefined

/** Replies of an ordinary master to what a proxy asks on its own behalf. */
export function ordinary(request: FakeRequest): FakeAnswer {
  switch (request.name) {
    case 'PING':
      return request.args[0] === undefined ? '+PONG\r\n' : bulk(request.args[0])
    case 'ROLE':
      return '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n'
    case 'INFO':
      return bulk(
        '# Server\r\nredis_version:7.0.15\r\nrun_id:' + 'f'.repeat(40) + '\r\nrole:master\r\n',
      )
    case 'SELECT':
    case 'CLIENT':
    case 'AUTH':
    case 'SET':
      return '+OK\r\n'
    case 'GET':
      return '$-1\r\n'
    case 'COMMAND':
      return '*0\r\n'
    default:
      return `-ERR unknown command '${request.name.toLowerCase()}'\r\n`
  }
}

export function bulk(text: string): string {
  return `$${Buffer.byteLength(text, 'latin1')}\r\n${text}\r\n`
}

/** A server that speaks RESP and does what its script says; it keeps no data. */
export class FakeRedis {
  readonly port: number
  /** Every request, in the order of arrival. */
  readonly requests: FakeRequest[] = []
  /** Asked first; what it leaves undefined is answered by `ordinary`. May be changed at any time. */
  script: FakeScript
  readonly #server: Server
  readonly #sockets = new Map<Socket, number>()
  #connections = 0

  constructor(port: number, script: FakeScript) {
    this.port = port
    this.script = script
    this.#server = createServer((socket) => this.#accept(socket))
  }

  get connections(): number {
    return this.#sockets.size
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.port, '127.0.0.1', resolve)
    })
  }

  /** Writes bytes to every open connection, unasked. */
  broadcast(bytes: string): void {
    for (const socket of this.#sockets.keys()) socket.write(bytes, 'latin1')
  }

  /** Writes bytes to one connection, unasked, if it is still open. */
  write(connection: number, bytes: string): void {
    for (const [socket, number] of this.#sockets) {
      if (number === connection) socket.write(bytes, 'latin1')
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    this.#connections += 1
    const connection = this.#connections
    const scanner = new RequestScanner()
    this.#sockets.set(socket, connection)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (const [name = Buffer.alloc(0), ...args] of scanner.feed(chunk)) {
        const request: FakeRequest = {
          name: name.toString('latin1').toUpperCase(),
          args: args.map((arg) => arg.toString('latin1')),
          connection,
          at: performance.now(),
        }
        this.requests.push(request)
        this.#perform(socket, this.script(request) ?? ordinary(request))
      }
    })
  }

  #perform(socket: Socket, answer: FakeAnswer): void {
    if (typeof answer === 'string') socket.write(answer, 'latin1')
    else if ('then' in answer) {
      if (answer.then === 'close') socket.end()
      if (answer.then === 'reset') socket.resetAndDestroy()
    } else for (const part of answer) this.#perform(socket, part)
  }
}

export async function startFakeRedis(script: FakeScript = () => undefined): Promise<FakeRedis> {
  const fake = new FakeRedis(await freePort(), script)
  await fake.listen()
  return fake
}
