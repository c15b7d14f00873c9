import type { Socket } from 'node:net'
import { Deque } from '../base/deque.ts'
import { ClientOutput } from './client-output.ts'
import type { SessionContext } from './session-context.ts'
import type { SessionExchange } from './session-exchange.ts'

/** What happens to the line that its session must know. */
export interface ReplyLineHome {
  /** Every reply owed has been given. */
  onLineEmpty(): void
  /** The client reads so slowly that its limit is exceeded. */
  onOverflow(): void
}

/**
 * The replies owed to one client, in its order. A reply whose turn has come goes straight through;
 * one that comes earlier (a read that was sent again behind a write in doubt) is kept until then.
 *
 *     line  [ a  b✓ c  d✓ ]     a's reply goes out at once, and b's behind it; d waits for c
 */
export class ReplyLine {
  readonly #socket: Socket
  readonly #context: SessionContext
  readonly #home: ReplyLineHome
  readonly #output: ClientOutput
  readonly #line = new Deque<SessionExchange>()
  /** Who waits for the client to read on; null until somebody does. */
  #waiting: (() => void)[] | null = null
  #isPaused = false
  /** The client has heard a part of a reply, or of a push: its rest must come next. */
  #within: 'nothing' | 'reply' | 'push' = 'nothing'
  /** Of the pipeline at the head, how many replies the client has heard. */
  #heard = 0
  /** Frames of our own for the next gap; null: there are none. */
  #injected: Uint8Array[] | null = null

  constructor(socket: Socket, context: SessionContext, home: ReplyLineHome) {
    this.#socket = socket
    this.#context = context
    this.#home = home
    this.#output = new ClientOutput(socket, context.turn, context.memory.arrival)
  }

  /** 0: none is owed. A pipeline counts as one. */
  get size(): number {
    return this.#line.size
  }

  /** How many the client has not heard. */
  get count(): number {
    let sum = 0
    for (let i = 0; i < this.#line.size; i++) sum += this.#line.at(i)?.commands ?? 0
    return sum - this.#heard
  }

  head(): SessionExchange | undefined {
    return this.#line.peek()
  }

  expect(exchange: SessionExchange): void {
    this.#line.push(exchange)
  }

  /** The commands of a pipeline that are not answered, `rest`, take its place. */
  split(pipeline: SessionExchange, rest: SessionExchange[]): SessionExchange[] {
    const { answered } = pipeline
    if (this.#line.peek() === pipeline) this.#heard = 0
    for (const exchange of this.#line.drain()) {
      if (exchange !== pipeline) {
        this.#line.push(exchange)
        continue
      }
      if (pipeline.kept !== null) {
        pipeline.commands = answered // it holds the replies that came before their turn
        pipeline.done = true
        this.#line.push(pipeline)
      }
      for (const each of rest) this.#line.push(each)
    }
    return rest
  }

  /** A part of the reply to `exchange`. false: the client reads too slowly. */
  give(
    exchange: SessionExchange,
    b: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    const line = this.#line
    if (line.peek() !== exchange || this.#within === 'push') {
      if (!exchange.muted) (exchange.kept ??= []).push(b.subarray(start, end))
      exchange.done = last
      return true
    }
    if (exchange.muted) this.#context.memory.arrival.gone(b, start, end)
    else this.#output.append(b, start, end)
    this.#within = last || exchange.commands > 1 ? 'nothing' : 'reply'
    this.#countHeard(exchange, last)
    if (last) {
      exchange.done = true
      line.shift()
      if (line.size > 0) this.#giveDone()
      if (this.#injected !== null) this.#inject()
      if (line.size === 0) this.#home.onLineEmpty()
    }
    return this.#hasRoom()
  }

  /** Has the client heard a part of a push? */
  get isWithinPush(): boolean {
    return this.#within === 'push'
  }

  /** A frame that answers no command, or a part of one. false: the client reads too slowly. */
  push(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    this.#output.append(bytes, start, end)
    const wasWithin = this.#within
    if (!last) this.#within = 'push'
    else if (wasWithin === 'push') this.#onPushEnd()
    return this.#hasRoom()
  }

  /** A frame of our own that answers no command; never in the middle of another. */
  inject(frame: Uint8Array): void {
    this.#injected ??= []
    this.#injected.push(frame)
    this.#inject()
  }

  #inject(): void {
    if (this.#within !== 'nothing') return
    for (const frame of this.#injected ?? []) this.#output.append(frame, 0, frame.length)
    this.#injected = null
  }

  /** Replies from elsewhere (the proxy itself) may have come in the middle of it. */
  #onPushEnd(): void {
    this.#within = 'nothing'
    if (this.#line.size > 0) {
      this.#giveDone()
      if (this.#line.size === 0) this.#home.onLineEmpty()
    }
    this.#inject()
  }

  /** Calls `fn` once the client has read what was written for it, or has gone. */
  onResume(fn: () => void): void {
    if (this.#socket.destroyed || this.#output.unread === 0) {
      fn()
      return
    }
    if (this.#waiting === null) {
      this.#waiting = []
      this.#socket.on('drain', this.#resume).once('close', this.#resume)
    }
    this.#waiting.push(fn)
  }

  readonly #resume = (): void => {
    for (const fn of this.#waiting?.splice(0) ?? []) fn()
  }

  flush(): void {
    this.#output.flush()
  }

  /** Nobody waits any more: what is in flight or held is dropped. */
  abandon(): void {
    this.#context.counters.dropped += this.count
    this.#heard = 0
    for (const exchange of this.#line.drain()) exchange.abandoned = true
  }

  #hasRoom(): boolean {
    const { outputPauseBytes, outputLimitBytes } = this.#context.limits
    const { unread } = this.#output
    if (unread < outputPauseBytes) return true
    if (unread > outputLimitBytes) this.#home.onOverflow()
    this.#readNoMore()
    return false
  }

  /** Whoever does not read its replies may not ask for more. */
  #readNoMore(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
    this.onResume(() => {
      this.#isPaused = false
      this.#socket.resume()
    })
  }

  #giveDone(): void {
    for (;;) {
      const next = this.#line.peek()
      if (next?.kept) {
        for (const part of next.kept) this.#output.append(part, 0, part.length)
        next.kept = null
        if (next.commands === 1) this.#within = 'reply'
        if (!next.done) this.#countHeard(next, false)
      }
      if (next?.done !== true) return
      this.#countHeard(next, true)
      this.#within = 'nothing'
      this.#line.shift()
    }
  }

  /** What comes of a pipeline's replies is whole ones; of another reply, only the end counts. */
  #countHeard(head: SessionExchange, last: boolean): void {
    const heard = last ? head.commands : head.commands > 1 ? head.answered : 0
    if (!head.refused) this.#context.counters.replies += heard - this.#heard
    this.#heard = last ? 0 : heard
  }
}
