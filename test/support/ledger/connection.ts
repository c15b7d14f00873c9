import { connect } from 'node:net'
import type { Socket } from 'node:net'

import { FrameScanner, encode, parse } from '../resp.ts'
import type { Arg, Reply } from '../resp.ts'
import type { Book } from './book.ts'

/** Gets as many replies as were asked for, fewer when the connection was lost first. */
export type Done = (replies: readonly Reply[]) => void

interface Pending {
  readonly need: number
  readonly got: Reply[]
  readonly issuedAt: number
  readonly patient: boolean
  readonly done: Done
}

const RECONNECT_MS = 50

/**
 * The light client of the ledger: one socket, replies paired in order. A closed connection is
 * entered as dropped and opened again, so that one that drops clients is measured and not only refused.
 */
export class LedgerConnection {
  readonly owner: string
  /** Called for each new connection before anything else is sent on it. */
  onConnect: (() => void) | undefined
  /** Takes frames that answer no command; those of a subscriber. */
  onMessage: ((reply: readonly Reply[]) => void) | undefined
  readonly #port: number
  readonly #book: Book
  readonly #pending: Pending[] = []
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #leaving = false
  #up = false

  constructor(owner: string, port: number, book: Book) {
    this.owner = owner
    this.#port = port
    this.#book = book
    this.#open()
  }

  /** Commands may be sent: the connection is open or about to be. */
  get usable(): boolean {
    return this.#socket !== undefined
  }

  get connected(): boolean {
    return this.#up
  }

  get outstanding(): number {
    return this.#pending.length
  }

  /** Sends commands in one write; `done` is called once. */
  send(commands: readonly (readonly Arg[])[], done: Done): void {
    this.#enter(commands, done, false)
  }

  /** As `send`, for commands that wait by their nature: the wait is no stall. */
  sendPatient(commands: readonly (readonly Arg[])[], done: Done): void {
    this.#enter(commands, done, true)
  }

  /** Closes for good; what is outstanding is forgotten. */
  leave(): void {
    this.#leaving = true
    clearTimeout(this.#timer)
    this.#pending.length = 0
    this.#socket?.destroy()
  }

  #enter(commands: readonly (readonly Arg[])[], done: Done, patient: boolean): void {
    if (this.#socket === undefined) throw new Error(`${this.owner} sends without a connection`)
    const issuedAt = performance.now()
    this.#pending.push({ need: commands.length, got: [], issuedAt, patient, done })
    this.#socket.write(Buffer.concat(commands.map((command) => encode(...command))))
  }

  #open(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    const scanner = new FrameScanner()
    this.#socket = socket
    socket.on('connect', () => {
      this.#up = true
      this.onConnect?.()
    })
    socket.on('data', (chunk) => {
      for (const frame of scanner.feed(chunk)) this.#receive(parse(frame))
    })
    socket.on('error', () => undefined)
    socket.on('close', () => this.#closed())
  }

  #receive(reply: Reply): void {
    const head = this.#pending[0]
    const kind = Array.isArray(reply) ? (reply as readonly Reply[])[0] : undefined
    if (this.onMessage !== undefined && (kind === 'message' || head === undefined)) {
      this.onMessage(Array.isArray(reply) ? (reply as readonly Reply[]) : [reply])
      return
    }
    if (head === undefined) {
      this.#book.wrongOwner.push(`${this.owner} got ${JSON.stringify(reply)} without asking`)
      return
    }
    head.got.push(reply)
    if (head.got.length < head.need) return
    this.#pending.shift()
    if (!head.patient) this.#book.answered(this.owner, head.issuedAt)
    head.done(head.got)
  }

  #closed(): void {
    if (this.#leaving) return
    if (this.#up) this.#book.dropped.push(this.owner)
    this.#up = false
    this.#socket = undefined
    for (const lost of this.#pending.splice(0)) lost.done(lost.got)
    this.#timer = setTimeout(() => this.#open(), RECONNECT_MS)
  }
}
