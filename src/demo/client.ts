import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ReplyFramer } from '../protocol/reply-framer.ts'
import { decodeReply } from '../protocol/reply.ts'
import type { Reply } from '../protocol/reply.ts'
import { encodeRequest } from '../protocol/request.ts'

export type { Reply } from '../protocol/reply.ts'
export type Command = readonly (string | number)[]

interface Waiting {
  readonly count: number
  readonly replies: Reply[]
  readonly done: (replies: readonly Reply[]) => void
}

/** A client that hides nothing: one connection, replies in order, no second attempt at anything. */
export class DemoClient {
  /** Frames that answer no command: those of a subscriber. */
  onMessage: (reply: Reply) => void = () => undefined
  /** The connection was closed, and not by us. */
  onDrop: () => void = () => undefined
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  readonly #framer = new ReplyFramer()
  #rest: Uint8Array = new Uint8Array(0)
  #isLeaving = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#take(chunk)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (!this.#isLeaving) this.onDrop()
    })
  }

  static connect(port: number): Promise<DemoClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new DemoClient(socket))
      })
    })
  }

  /** Commands that are not answered yet. */
  get outstanding(): number {
    return this.#waiting.length
  }

  /** Several commands in one write; `done` gets all their replies. */
  send(commands: readonly Command[], done: (replies: readonly Reply[]) => void): void {
    this.#waiting.push({ count: commands.length, replies: [], done })
    this.#socket.write(Buffer.concat(commands.map(encodeRequest)))
  }

  ask(...command: Command): Promise<Reply> {
    return new Promise((resolve) => {
      this.send([command], ([reply]) => {
        resolve(reply ?? null)
      })
    })
  }

  leave(): void {
    this.#isLeaving = true
    this.#socket.destroy()
  }

  #take(chunk: Uint8Array): void {
    const start = this.#rest.length
    const bytes = start === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let frame = 0
    let at = start
    for (;;) {
      const end = at < bytes.length ? this.#framer.next(bytes, at, bytes.length) : -1
      if (end < 0) break
      this.#reply(decodeReply(bytes, frame, end))
      frame = end
      at = end
    }
    this.#rest = bytes.subarray(frame)
  }

  #reply(reply: Reply): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.onMessage(reply)
      return
    }
    first.replies.push(reply)
    if (first.replies.length < first.count) return
    this.#waiting.shift()
    first.done(first.replies)
  }
}
