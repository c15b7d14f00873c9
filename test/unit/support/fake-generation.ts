import { deferred, type Deferred } from '../../../src/base/deferred.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import type {
  Arbiter,
  Exchange,
  Generation,
  Lease,
  LeaseOwner,
  LinkState,
} from '../../../src/dispatcher.ts'
import type { LeaseReason } from '../../../src/routing/traits.ts'

/** A link without a socket, with the bookkeeping of a real one. */
export class FakeLink {
  readonly generation: FakeGeneration
  readonly inFlight: Exchange[] = []
  /** Of `inFlight`, how many the server has seen. */
  written = 0
  suspect = false
  closed = false
  owner: LeaseOwner | null = null
  arbiter: Arbiter
  /** Bytes that were piped past the pairing of requests and replies. */
  piped = ''
  pauses = 0
  /** How its lease ended. */
  released: 'clean' | 'dirty' | null = null
  /** Answers `false` to whoever sends, as a link does above its high water mark. */
  full = false
  #drain: (() => void)[] = []

  constructor(generation: FakeGeneration, arbiter: Arbiter) {
    this.generation = generation
    this.arbiter = arbiter
  }

  send(exchange: Exchange): boolean {
    if (this.closed) throw new Error('a command for a closed link')
    this.generation.onSend(exchange, this)
    exchange.attempts++
    exchange.bytes = new Uint8Array(exchange.bytes.subarray(exchange.start, exchange.end))
    exchange.end -= exchange.start
    exchange.start = 0
    if (this.generation.splitsPipelines) this.inFlight.push(...exchange.split())
    else this.inFlight.push(exchange)
    return !this.full
  }

  onDrain(fn: () => void): void {
    if (this.full) this.#drain.push(fn)
    else queueMicrotask(fn)
  }

  drain(): void {
    this.full = false
    for (const fn of this.#drain.splice(0)) fn()
  }

  /** Everything that waits reaches the server. */
  flush(): void {
    while (this.written < this.inFlight.length) {
      const exchange = this.inFlight[this.written++]
      if (exchange !== undefined) this.generation.onArrival(exchange, this)
    }
  }

  /** The server answers the oldest command that it has seen; false: there is none. */
  answer(reply: string | ((exchange: Exchange) => string)): boolean {
    const head = this.inFlight[0]
    if (head === undefined || this.written === 0) return false
    const text = typeof reply === 'string' ? reply : reply(head)
    const bytes = Buffer.from(text, 'latin1')
    this.inFlight.shift()
    this.written--
    if (bytes[0] === 0x2d || this.suspect) {
      if (this.arbiter.takesBack(head, bytes, 0, bytes.length)) {
        this.suspect = true
        this.generation.onTakenBack(head, this)
        if (this.owner !== null && this.inFlight.length === 0) {
          this.cut(new ProxyError('FENCED', 'the server on a lease is no master any more'))
        }
        return true
      }
    }
    head.onReply(bytes, 0, bytes.length, true)
    return true
  }

  /** The server answers so many commands of the pipeline that is the oldest, in one read. */
  answerPart(replies: readonly string[]): void {
    const head = this.inFlight[0]
    if (head === undefined || this.written === 0) throw new Error('nothing was written')
    head.answered += replies.length
    const last = head.answered === head.commands
    if (last) {
      this.inFlight.shift()
      this.written--
    }
    const bytes = Buffer.from(replies.join(''), 'latin1')
    head.onReply(bytes, 0, bytes.length, last)
  }

  /** The connection is gone. */
  cut(cause: ProxyError = new ProxyError('LINK_LOST', 'cut'), begun = false): void {
    if (this.closed) return
    this.closed = true
    const { written } = this
    this.written = 0
    this.inFlight.splice(0).forEach((exchange, i) => {
      const unsent = i >= written
      if (unsent) exchange.attempts--
      for (const each of exchange.split()) {
        this.arbiter.onLost(each, cause, unsent ? 'unsent' : 'in-doubt', begun && i === 0)
      }
    })
    for (const fn of this.#drain.splice(0)) queueMicrotask(fn)
    this.owner?.onLeaseLost(cause, [])
    if (cause.code === 'LINK_LOST') this.arbiter.onLinkLost(this.generation, cause)
  }
}

interface Wanted {
  readonly owner: LeaseOwner
  readonly arbiter: Arbiter
  readonly granted: Deferred<Lease>
}

/** All links to one master of a test: nothing happens on them but what the test makes happen. */
export class FakeGeneration implements Generation {
  readonly number: number
  readonly address: string
  readonly runId: string
  readonly version = '7.0.15'
  readonly wantsAuth = false
  readonly arbiter: Arbiter
  readonly lanes = new Map<number, FakeLink>()
  readonly leases: FakeLink[] = []
  readonly #wanted: Wanted[] = []
  /** A test looks at single commands; false: a pipeline stays in one piece, as on a real link. */
  splitsPipelines = true
  /** Leases are granted at once, else by `grant`. */
  grantsAtOnce = true
  destroyed: ProxyError | null = null
  verifications = 0
  verdict: () => Promise<void> = () => Promise.resolve()
  /** Set by tests that watch what goes where. */
  onSend: (exchange: Exchange, link: FakeLink) => void = () => undefined
  onArrival: (exchange: Exchange, link: FakeLink) => void = () => undefined
  onTakenBack: (exchange: Exchange, link: FakeLink) => void = () => undefined

  constructor(number: number, arbiter: Arbiter, address = `10.0.0.${number}:6379`, runId = 'run') {
    this.number = number
    this.arbiter = arbiter
    this.address = address
    this.runId = runId
  }

  lane(affinity: number): FakeLink {
    const known = this.lanes.get(affinity)
    if (known !== undefined && !known.closed) return known
    const link = new FakeLink(this, this.arbiter)
    this.lanes.set(affinity, link)
    return link
  }

  get links(): FakeLink[] {
    return [...this.lanes.values(), ...this.leases].filter((link) => !link.closed)
  }

  dispatch(exchange: Exchange): boolean {
    if (this.destroyed !== null) throw new Error('a command for a fenced generation')
    return this.lane(exchange.affinity.link).send(exchange)
  }

  onDrain(exchange: Exchange, fn: () => void): void {
    this.lane(exchange.affinity.link).onDrain(fn)
  }

  lease(
    _state: LinkState,
    _reason: LeaseReason,
    owner: LeaseOwner,
    arbiter: Arbiter,
  ): Promise<Lease> {
    const wanted = { owner, arbiter, granted: deferred<Lease>() }
    this.#wanted.push(wanted)
    if (this.destroyed !== null) wanted.granted.reject(this.destroyed)
    else if (this.grantsAtOnce) this.grant()
    return wanted.granted.promise
  }

  /** Gives the one that waits longest its link. */
  grant(): void {
    const wanted = this.#wanted.shift()
    if (wanted === undefined) return
    const link = new FakeLink(this, wanted.arbiter)
    link.owner = wanted.owner
    this.leases.push(link)
    wanted.granted.resolve({
      serverId: 100 + this.leases.length,
      dispatch: (exchange) => link.send(exchange),
      onDrain: (fn) => link.onDrain(fn),
      raw: () => undefined,
      pipe: (bytes, start, end) => {
        link.piped += Buffer.from(bytes.subarray(start, end)).toString('latin1')
        return !link.full
      },
      pause: () => link.pauses++,
      resume: () => link.pauses--,
      release: (clean) => {
        link.owner = null
        link.released = clean ? 'clean' : 'dirty'
        if (!clean) link.cut(new ProxyError('FENCED', 'released'))
        else link.closed = true
      },
    })
  }

  inFlight(): number {
    return this.links.reduce((sum, link) => sum + link.inFlight.length, 0)
  }

  verify(): Promise<void> {
    this.verifications++
    return this.verdict()
  }

  destroy(cause: ProxyError): void {
    if (this.destroyed !== null) return
    const fenced = new ProxyError('FENCED', cause.message, { cause })
    this.destroyed = fenced
    for (const link of this.links) link.cut(fenced)
    for (const wanted of this.#wanted.splice(0)) wanted.granted.reject(fenced)
  }
}
