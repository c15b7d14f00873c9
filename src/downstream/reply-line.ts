import type { Socket } from 'node:net'
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
  readonly #context: SessionContext
  readonly #home: ReplyLineHome
  readonly #output: ClientOutput
  /** The line is a chain, from each to its `next`: a client that waits for nothing needs no room. */
  #first: SessionExchange | null = null
  #last: SessionExchange | null = null
  /** The client has heard a part of a reply, or of a push: its rest must come next. */
  #within: 'nothing' | 'reply' | 'push' = 'nothing'
  /** Of the pipeline at the head, how many replies the client has heard. */
  #heard = 0
  /** Frames of our own for the next gap; null: there are none. */
  #injected: Uint8Array[] | null = null
  readonly #socket: Socket
  /** Who waits for the client to read on; null until somebody does. */
  #waiting: (() => void)[] | null = null
  #isPaused = false

  constructor(socket: Socket, context: SessionContext, home: ReplyLineHome) {
    this.#socket = socket
    this.#context = context
    this.#home = home
    this.#output = new ClientOutput(socket, context.turn, context.memory.arrival)
  }

  /** None is owed. */
  get isEmpty(): boolean {
    return this.#first === null
  }

  /** How many the client has not heard. */
  get count(): number {
    let sum = 0
    for (let at = this.#first; at !== null; at = at.next) sum += at.commands
    return sum - this.#heard
  }

  get head(): SessionExchange | null {
    return this.#first
  }

  expect(exchange: SessionExchange): void {
    if (this.#last === null) this.#first = exchange
    else this.#last.next = exchange
    this.#last = exchange
  }

  /** Takes out the first. */
  #shift(head: SessionExchange): void {
    this.#first = head.next
    if (head.next === null) this.#last = null
    else head.next = null
  }

  /** Takes all out, the first to come first. */
  #drain(): SessionExchange[] {
    const all: SessionExchange[] = []
    for (let head = this.#first; head !== null; head = this.#first) {
      all.push(head)
      this.#shift(head)
    }
    return all
  }

  /** The commands of a pipeline that are not answered, `rest`, take its place. */
  split(pipeline: SessionExchange, rest: SessionExchange[]): SessionExchange[] {
    const { answered } = pipeline
    if (this.#first === pipeline) this.#heard = 0
    for (const exchange of this.#drain()) {
      if (exchange !== pipeline) {
        this.expect(exchange)
        continue
      }
      if (pipeline.kept !== null) {
        pipeline.commands = answered // it holds the replies that came before their turn
        pipeline.done = true
        this.expect(pipeline)
      }
      for (const each of rest) this.expect(each)
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
    if (this.#first !== exchange || this.#within === 'push') {
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
      this.#shift(exchange)
      if (!this.isEmpty) this.#giveDone()
      if (this.#injected !== null) this.#inject()
      if (this.isEmpty) this.#home.onLineEmpty()
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
    const owed = this.#first
    this.#giveDone()
    if (owed !== null && this.isEmpty) this.#home.onLineEmpty()
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
    for (const exchange of this.#drain()) exchange.abandoned = true
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
      const next = this.#first
      if (next?.kept) {
        for (const part of next.kept) this.#output.append(part, 0, part.length)
        next.kept = null
        if (next.commands === 1) this.#within = 'reply'
        if (!next.done) this.#countHeard(next, false)
      }
      if (next?.done !== true) return
      this.#countHeard(next, true)
      this.#within = 'nothing'
      this.#shift(next)
    }
  }

  /** What comes of a pipeline's replies is whole ones; of another reply, only the end counts. */
  #countHeard(head: SessionExchange, last: boolean): void {
    const heard = last ? head.commands : head.commands > 1 ? head.answered : 0
    if (!head.refused) this.#context.counters.replies += heard - this.#heard
    this.#heard = last ? 0 : heard
  }
}
