import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { deferred } from '../base/deferred.ts'
import { Deque } from '../base/deque.ts'
import { ProxyError } from '../base/errors.ts'
import type { PassingMemory } from '../base/part-memory.ts'
import type { Flushable, Turn } from '../base/turn.ts'
import type { Arbiter, Exchange, Identity, LeaseOwner, LinkState } from '../dispatcher.ts'
import { encodeRequest } from '../protocol/request.ts'
import { Handshake, type Greeting } from './handshake.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { Slab } from './slab.ts'
import { swallowed } from './swallowed.ts'
import { Volume } from './volume.ts'
import type { LinkOptions } from './options.ts'

/** What a link is used for; the label of `upstream_links{kind}`. */
export type LinkKind = 'lane' | 'lease' | 'control' | 'greeter' | 'prober' | 'probe'

/** Everything that is the same for all links of a process. */
export interface LinkContext {
  readonly options: LinkOptions
  readonly clock: Clock
  readonly turn: Turn
  readonly memory: PassingMemory
  /** A link died that nobody had closed. */
  onLost(link: Link, cause: ProxyError): void
  /** Asks the server anew, on a link of its own: does it say that it is no master (any more)? */
  isRefuted(): Promise<boolean>
}

/** What links of all generations share. */
export type LinkBase = Omit<LinkContext, 'onLost' | 'isRefuted'>

/** About a millisecond of Redis; at less, the link is not left for another. */
const busyCommands = 1024

const nothing = new Uint8Array(0)

/** One client on a link of its own needs not more on its way than the next write takes. */
const leaseFullBytes = 256 * 1024

type Phase = 'connecting' | 'open' | 'closed'

/**
 * One connection to Redis. It takes commands from its first moment; they leave once the handshake
 * is done. All that is handed over in one turn of the event loop leaves in one write, and nothing
 * is handed to the kernel while an earlier write is unfinished, so whatever was not yet handed over
 * when the link dies is known to be unsent.
 */
export class Link implements Flushable {
  readonly kind: LinkKind
  readonly identity: Identity
  readonly ready: Promise<Greeting>
  readonly inFlight = new Deque<Exchange>()
  /** Of `inFlight`, how many were handed to the kernel. */
  written = 0
  /** The commands in `inFlight` that are not answered: a pipeline is several. */
  commands = 0
  arbiter: Arbiter
  owner: LeaseOwner | null = null
  readonly inbox: Inbox
  readonly volume = new Volume()
  /** What the server said of itself; null before the handshake is done. */
  greeting: Greeting | null = null

  readonly #context: LinkContext
  readonly #socket: Socket
  readonly #outbox: Outbox
  readonly #slab: Slab
  /** So many waiting bytes are enough. */
  readonly #fullBytes: number
  #cancelDeadline: () => void
  #handshake: Handshake | null
  #phase: Phase = 'connecting'
  readonly #greeted = deferred<Greeting>()
  /** The db that is selected behind everything in the outbox; -1 when only the server knows. */
  #db: number
  #writing = false
  #scheduled = false
  /** Commands that left together last. */
  #lastWrite = 0
  #drainListeners: (() => void)[] = []

  constructor(
    context: LinkContext,
    kind: LinkKind,
    state: LinkState,
    arbiter: Arbiter,
    wantRunId = false,
  ) {
    this.kind = kind
    this.identity = state.identity
    this.arbiter = arbiter
    this.#context = context
    this.#db = state.db
    this.#outbox = new Outbox(kind === 'lane' ? 64 * 1024 : 4 * 1024, context.memory)
    this.inbox = new Inbox(this, context)
    const { highWaterBytes } = context.options
    this.#fullBytes = kind === 'lane' ? highWaterBytes : Math.min(highWaterBytes, leaseFullBytes)
    const { pieces, leased, arrival } = context.memory
    this.#slab = new Slab(kind === 'lane' ? pieces : leased, arrival)
    this.ready = this.#greeted.promise
    this.ready.catch(() => undefined) // whoever waits is told; nobody need wait
    const { options } = context
    this.#handshake = new Handshake({
      state,
      clientName: kind === 'probe' ? '' : `${options.clientName}:${kind}`,
      wantRunId,
      wantClientId: kind === 'lease',
    })
    this.#socket = this.#connect()
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, options.keepAliveMs)
    this.#socket.once(options.tls === null ? 'connect' : 'secureConnect', () => {
      this.#cancelDeadline()
      this.#cancelDeadline = this.#deadline(options.handshakeTimeoutMs, 'no handshake')
      if (this.#handshake !== null) this.#socket.write(this.#handshake.begin())
    })
    this.#socket.on('error', (error) => {
      this.destroy(new ProxyError('LINK_LOST', error.message, { cause: error }))
    })
    this.#socket.on('close', () => {
      this.destroy(new ProxyError('LINK_LOST', 'the server closed the connection'))
    })
    this.#cancelDeadline = this.#deadline(options.connectTimeoutMs, 'no connection')
  }

  /** A plain link is read straight into its slab, one with TLS by way of its stream. */
  #connect(): Socket {
    const { host, port, tls } = this.#context.options
    if (tls !== null) {
      const socket = connectTls({ ...tls, host, port })
      socket.on('data', (chunk: Buffer) => {
        this.receive(chunk)
      })
      return socket
    }
    return connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: () => this.#slab.room() as Buffer, // null: Node keeps the one it has
        callback: (length) => {
          this.#read(length)
          return true
        },
      },
    })
  }

  #deadline(ms: number, what: string): () => void {
    return this.#context.clock.after(ms, () => {
      this.destroy(new ProxyError('LINK_TIMEOUT', `${what} within ${String(ms)} ms`))
    })
  }

  get open(): boolean {
    return this.#phase === 'open'
  }

  get closed(): boolean {
    return this.#phase === 'closed'
  }

  /** Who comes now would wait: for a large reply (or its slow reader), or for many commands. */
  get isBusy(): boolean {
    return this.inbox.begun || this.commands >= busyCommands
  }

  /** Queues a command. false: more than `linkHighWater` bytes wait to be written. */
  send(exchange: Exchange): boolean {
    const db = exchange.state.db
    // the db of a lease is its client's affair: a SELECT of ours might land in its transaction;
    // and where AUTH is tried, nobody may SELECT yet
    if (db !== this.#db && (this.kind === 'lane' || this.kind === 'control')) this.#select(db)
    if (exchange.traits.verb === 'select') this.#db = -1
    const outbox = this.#outbox
    outbox.append(exchange.bytes, exchange.start, exchange.end)
    exchange.bytes = outbox.bytes
    exchange.start = outbox.start
    exchange.end = outbox.end
    exchange.attempts++
    this.#expect(exchange)
    if (!this.#scheduled) this.#schedule()
    return outbox.size < this.#fullBytes
  }

  #expect(exchange: Exchange): void {
    this.inFlight.push(exchange)
    this.commands += exchange.commands
  }

  /** The pipeline that is the next to be answered goes on as single commands; the first of them. */
  splitHead(pipeline: Exchange): Exchange {
    const pieces = pipeline.split()
    this.inFlight.shift()
    for (let i = pieces.length - 1; i >= 0; i--) this.inFlight.unshift(pieces[i] as Exchange)
    this.written += pieces.length - 1
    this.volume.answered(pipeline.answered)
    this.#outbox.split(pipeline.bytes, pieces.length)
    return pieces[0] as Exchange
  }

  /** Gives the link to one session, in the db that it is in. */
  lend(owner: LeaseOwner, arbiter: Arbiter, db: number): void {
    if (db !== this.#db) {
      this.#select(db)
      if (!this.#scheduled) this.#schedule() // its owner need not send anything soon
    }
    this.owner = owner
    this.arbiter = arbiter
  }

  /** Bytes that belong to no exchange of their own: parts of a streamed request, raw leases. */
  pipe(bytes: Uint8Array, start: number, end: number): boolean {
    this.#outbox.appendPassing(bytes, start, end)
    this.#flush() // nobody else is on this link: there is nothing to wait for
    return this.#outbox.size < this.#fullBytes
  }

  onDrain(fn: () => void): void {
    if (this.#outbox.size < this.#fullBytes) queueMicrotask(fn)
    else this.#drainListeners.push(fn)
  }

  /** A command of this link has its reply, or was taken back to be sent elsewhere. */
  onEnded(exchange: Exchange, isAnswered: boolean): void {
    this.commands -= exchange.commands - exchange.answered
    this.volume.answered(exchange.commands)
    if (isAnswered) this.#outbox.answered(exchange.bytes)
    else this.#outbox.kept(exchange.bytes)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#phase !== 'closed') this.#socket.resume()
  }

  /** Takes bytes of the server that did not come by a read of ours. */
  receive(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#phase !== 'closed';) {
      const count = this.#slab.put(chunk, at)
      at += count
      this.#read(count)
    }
  }

  /** Closes a link on which nothing is outstanding (or whose outstanding commands are lost). */
  destroy(cause: ProxyError): void {
    if (this.#phase === 'closed') return
    this.#writing = true // whoever is sent here from now on stays unsent
    this.inbox.conclude(cause)
    if (this.closed) return
    const expected = cause.code === 'FENCED' || cause.code === 'SHUTDOWN'
    this.#phase = 'closed'
    this.#cancelDeadline()
    this.#socket.destroy()
    this.#slab.close()
    this.#greeted.reject(cause)
    const { turn } = this.#context
    turn.begin()
    const lost = this.inFlight.drain()
    for (let i = 0; i < lost.length; i++) {
      const exchange = lost[i] as Exchange
      const unsent = i >= this.written
      if (unsent) exchange.attempts--
      const begun = i === 0 && this.inbox.begun
      for (const each of exchange.split()) {
        this.arbiter.onLost(each, cause, unsent ? 'unsent' : 'in-doubt', begun)
      }
    }
    this.written = 0
    this.commands = 0
    this.#wakeWriters()
    if (this.owner !== null) this.owner.onLeaseLost(cause, [])
    turn.end()
    if (!expected) this.#context.onLost(this, cause)
  }

  /** Works off the next `length` bytes in the slab. */
  #read(length: number): void {
    const scan = this.#slab.to
    this.#slab.begin(length)
    this.#work(scan)
    this.volume.received(length)
  }

  /** Works off what had to wait in the slab. */
  goOn(): void {
    if (this.#phase === 'closed' || this.#slab.isWorking) return
    this.#slab.begin(0)
    this.#work(this.#slab.from)
  }

  /** Works off what is in the slab; new is what lies from `scan` on. */
  #work(scan: number): void {
    const { turn, memory } = this.#context
    const slab = this.#slab
    let rest = slab.to
    turn.begin()
    try {
      if (this.#handshake === null) {
        rest = this.inbox.take(slab.bytes, slab.from, scan, slab.to)
      } else {
        this.#greet(this.#handshake, Buffer.from(slab.bytes.subarray(scan, slab.to)))
        memory.arrival.gone(slab.bytes, scan, slab.to)
      }
    } catch (thrown) {
      this.destroy(
        thrown instanceof ProxyError
          ? thrown
          : new ProxyError('PROTOCOL', String(thrown), { cause: thrown }),
      )
    } finally {
      turn.end()
    }
    slab.settle(rest)
  }

  #greet(handshake: Handshake, chunk: Buffer): void {
    const next = handshake.feed(chunk)
    if (next === 'more') return
    if (next !== 'done') {
      this.#socket.write(next)
      return
    }
    this.#handshake = null
    this.#phase = 'open'
    this.#cancelDeadline()
    this.greeting = handshake.greeting
    this.#greeted.resolve(handshake.greeting)
    this.#flush()
  }

  /** Puts a SELECT of our own before the next command; its reply is swallowed. */
  #select(db: number): void {
    this.#db = db
    const bytes = encodeRequest(['SELECT', db])
    this.#outbox.append(bytes, 0, bytes.length)
    this.#expect(swallowed(bytes, this, this.#context.memory.arrival))
  }

  /** Commands leave together when many come, at the end of the turn of the loop; at once when few do. */
  #schedule(): void {
    this.#scheduled = true
    if (this.inFlight.size <= 1 && this.#lastWrite <= 1) this.#context.turn.add(this)
    else setImmediate(this.#onTurnEnd)
  }

  readonly #onTurnEnd = (): void => {
    this.flush()
  }

  /** Hands over what was sent. */
  flush(): void {
    this.#scheduled = false
    this.#flush()
  }

  #flush(): void {
    if (this.#phase !== 'open' || this.#writing || this.#outbox.size === 0) return
    this.volume.sent(this.#outbox.size)
    const segments = this.#outbox.take()
    this.#lastWrite = this.inFlight.size - this.written
    this.written = this.inFlight.size
    const socket = this.#socket
    if (segments.length > 1) socket.cork()
    for (const segment of segments) socket.write(segment)
    if (segments.length > 1) socket.uncork()
    if (socket.writableLength === 0) {
      this.#outbox.left()
    } else {
      this.#writing = true
      socket.write(nothing, this.#onWritten) // asked for only here, since a callback costs a tick
    }
    this.#wakeWriters()
  }

  readonly #onWritten = (error?: Error | null): void => {
    this.#writing = false
    if (error != null) return // the socket is gone, and may still hold what it did not write
    this.#outbox.left()
    if (this.#outbox.size > 0 && !this.#scheduled) this.#flush()
  }

  #wakeWriters(): void {
    if (this.#drainListeners.length === 0) return
    const listeners = this.#drainListeners
    this.#drainListeners = []
    for (const listener of listeners) queueMicrotask(listener)
  }
}
