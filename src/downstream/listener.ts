import { createServer, type Server, type Socket } from 'node:net'
import { errorReply } from '../base/errors.ts'
import type { Identity } from '../dispatcher.ts'
import { Session } from './session.ts'
import { hangUp } from './peer.ts'
import type { SessionContext } from './session-context.ts'

/**
 * Ids of clients begin here, so that none is ever the number that a server gave to a connection: one
 * that is told to a server by its own number, because its client has gone, names nobody there.
 */
export const firstClientId = 1_000_000_000_001

/** Where clients connect: a TCP port, or a unix socket's path. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** How clients are taken in. */
export interface ListenerOptions {
  readonly listen: readonly ListenAddress[]
  readonly maxClients: number
  /** Client ids are `firstId`, `firstId + idStep`, …, so that several workers never give one twice. */
  readonly firstId: number
  readonly idStep: number
}

/** Accepts clients and keeps the register of their sessions. */
export class Listener {
  readonly sessions = new Map<number, Session>()
  readonly #options: ListenerOptions
  readonly #context: SessionContext
  readonly #servers: Server[] = []
  #nextId: number

  constructor(
    options: ListenerOptions,
    context: Omit<SessionContext, 'onClosed' | 'find' | 'sessions'>,
  ) {
    this.#options = options
    this.#nextId = options.firstId
    this.#context = {
      ...context,
      find: (id) => this.sessions.get(id),
      sessions: () => this.sessions.values(),
      onClosed: (session, why) => {
        this.sessions.delete(session.id)
        context.counters.clients--
        context.counters.clientDisconnects[why]++
      },
    }
  }

  /** Listens on every address; rejects with the system's error when one cannot be had. */
  async open(): Promise<void> {
    for (const address of this.#options.listen) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        this.#accept(socket)
      })
      this.#servers.push(server)
      await new Promise<void>((done, failed) => {
        server.once('error', failed)
        const where =
          address.kind === 'unix'
            ? { path: address.path }
            : { host: address.host, port: address.port, backlog: 4096 }
        server.listen(where, () => {
          server.off('error', failed)
          done()
        })
      })
    }
  }

  /** The ports that were given where 0 was asked for. */
  get ports(): number[] {
    return this.#servers.map((server) => {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    })
  }

  /** Closes the clients of a user whom the server no longer knows. */
  closeIdentity(identity: Identity): void {
    for (const session of [...this.sessions.values()]) {
      if (session.state.link.identity === identity) session.close('error')
    }
  }

  /** No new clients; those here get the replies owed to them, then are closed. */
  async close(deadlineMs: number): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const session of [...this.sessions.values()]) session.shutDown()
    const end = this.#context.clock.now() + deadlineMs
    while (this.sessions.size > 0 && this.#context.clock.now() < end) {
      await new Promise((done) => setTimeout(done, 10))
    }
    for (const session of [...this.sessions.values()]) session.close('shutdown')
  }

  #accept(socket: Socket): void {
    if (this.sessions.size >= this.#options.maxClients) {
      this.#context.counters.clientDisconnects['max-clients']++
      socket.on('error', () => undefined)
      socket.write(errorReply('MAX_CLIENTS'))
      hangUp(socket, true, this.#context.clock)
      return
    }
    const id = this.#nextId
    this.#nextId += this.#options.idStep
    this.#context.counters.clientConnections++
    this.#context.counters.clients++
    this.sessions.set(id, new Session(id, socket, this.#context))
  }
}
