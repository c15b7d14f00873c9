import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { assertMove } from '../base/transitions.ts'
import type { TransitionTable } from '../base/transitions.ts'
import type { View } from '../topology/view.ts'
import { EpochFence } from './epoch-fence.ts'
import { KnownHolds } from './known-holds.ts'
import { LineReader } from './lines.ts'
import { MAX_LINE_BYTES, decodeFeed, encode } from './messages.ts'
import type { FeedMessage, HoldNotice, InForce } from './messages.ts'
import type { ReaderMessage, ReleaseNoticeReason } from './messages.ts'

export type FeedState = 'connecting' | 'up' | 'waiting' | 'closed'

const moves: TransitionTable<FeedState> = {
  connecting: ['up', 'waiting', 'closed'],
  up: ['waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: [],
}

export interface FeedClientOptions {
  readonly path: string
  /** A feed that is silent for so long is taken for dead and connected again. */
  readonly silenceMs?: number
}

export interface FeedClientHooks {
  /** A view to follow; `switched`: its master is another one than that of the last view. */
  onView(view: View, switched: boolean): void
  onHold(group: string, hold: HoldNotice): void
  onRelease(group: string, id: number, reason: ReleaseNoticeReason): void
  /** The monitor has looked as it was asked to with this token, and told all that it saw. */
  onLooked(group: string, token: string): void
  onState(state: FeedState): void
}

export interface FeedClientDeps {
  readonly clock: Clock
  readonly log: Log
}

/** The reader's end of the feed. Comes back for ever; never follows a lower epoch. */
export class FeedClient {
  readonly #options: Required<FeedClientOptions>
  readonly #hooks: FeedClientHooks
  readonly #deps: FeedClientDeps
  readonly #backoff = new Backoff({ minMs: 25, maxMs: 200 })
  readonly #fence = new EpochFence()
  readonly #holds = new KnownHolds()
  #state: FeedState = 'connecting'
  #socket: Socket | null = null
  #cancelTimer: () => void = nothing
  #heardAt: number | null = null
  #ages: Readonly<Record<string, number | null>> = {}
  #lastReason = ''

  constructor(options: FeedClientOptions, hooks: FeedClientHooks, deps: FeedClientDeps) {
    this.#options = { silenceMs: 5_000, ...options }
    this.#hooks = hooks
    this.#deps = deps
    this.#connect()
  }

  get state(): FeedState {
    return this.#state
  }

  /** Milliseconds since the monitor last said anything; null: never. */
  ageMs(): number | null {
    return this.#heardAt === null ? null : this.#deps.clock.now() - this.#heardAt
  }

  /** Milliseconds since a sentinel of the group gave a sign of life to the monitor; null: unknown. */
  discoveryAgeMs(group: string): number | null {
    const age = this.#ages[group]
    const silent = this.ageMs()
    return age === undefined || age === null || silent === null ? null : age + silent
  }

  /** Tells the monitor; nothing is kept for later when there is no connection. */
  send(message: ReaderMessage): void {
    if (this.#state === 'up') this.#socket?.write(encode(message))
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#cancelTimer()
    this.#move('closed')
    this.#socket?.destroy()
    this.#socket = null
  }

  #move(next: FeedState): void {
    assertMove(moves, this.#state, next)
    this.#state = next
    this.#hooks.onState(next)
  }

  #connect(): void {
    const lines = new LineReader(MAX_LINE_BYTES)
    const socket = createConnection(this.#options.path)
    this.#socket = socket
    this.#watchSilence()
    socket.once('connect', () => {
      this.#up(socket)
    })
    socket.on('error', (error) => {
      this.#lost(socket, error.message)
    })
    socket.on('close', () => {
      this.#lost(socket, 'closed by the monitor')
    })
    socket.on('data', (chunk: Buffer) => {
      this.#heardAt = this.#deps.clock.now()
      try {
        for (const line of lines.push(chunk)) {
          if (this.#socket === socket) this.#read(decodeFeed(line))
        }
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error
        this.#lost(socket, reasonOf(error))
      }
    })
  }

  #up(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#move('up')
    this.#backoff.reset()
    if (this.#lastReason !== '') this.#deps.log.info({}, 'the feed is connected again')
    this.#lastReason = ''
    for (const [group, configEpoch] of this.#fence.epochs()) {
      this.send({ type: 'seen', group, configEpoch })
    }
  }

  #lost(socket: Socket, reason: string): void {
    if (this.#socket !== socket) return
    this.#socket = null
    this.#cancelTimer()
    socket.destroy()
    if (reason !== this.#lastReason) {
      this.#deps.log.warn({ reason }, 'the feed is not connected; what is known stays in force')
      this.#lastReason = reason
    }
    this.#cancelTimer = this.#deps.clock.after(this.#backoff.next(), () => {
      this.#move('connecting')
      this.#connect()
    })
    this.#move('waiting')
  }

  #watchSilence(): void {
    const startedAt = this.#deps.clock.now()
    const { silenceMs } = this.#options
    const look = (): void => {
      const since = Math.max(startedAt, this.#heardAt ?? startedAt)
      const left = since + silenceMs - this.#deps.clock.now()
      if (left > 0) this.#cancelTimer = this.#deps.clock.after(left, look)
      else if (this.#socket !== null) this.#lost(this.#socket, 'silent')
    }
    this.#cancelTimer = this.#deps.clock.after(silenceMs, look)
  }

  #read(message: FeedMessage): void {
    switch (message.type) {
      case 'snapshot':
        this.#follow(message.view, message.epochRestart, true)
        if (message.hold !== null) this.#hold(message.view.group, message.hold)
        this.#releaseMissed(message.view.group, message.inForce)
        return
      case 'switch':
      case 'view':
        this.#follow(message.view, message.epochRestart, false)
        return
      case 'hold':
        this.#hold(message.group, message)
        return
      case 'release':
        this.#release(message.group, message.id, message.reason)
        return
      case 'looked':
        // One that is not to be believed has said nothing of now.
        if (this.#fence.trusts(message.group)) this.#hooks.onLooked(message.group, message.token)
        return
      case 'heartbeat':
        this.#ages = message.ages
    }
  }

  #hold(group: string, { id, reason, ttlMs }: HoldNotice): void {
    if (!this.#fence.trusts(group)) return
    this.#holds.begun(group, id)
    this.#hooks.onHold(group, { id, reason, ttlMs })
  }

  #release(group: string, id: number, reason: ReleaseNoticeReason): void {
    this.#holds.ended(group, id)
    this.#hooks.onRelease(group, id, reason)
  }

  #releaseMissed(group: string, inForce: InForce | undefined): void {
    for (const id of this.#holds.missed(group, inForce)) this.#release(group, id, 'missed')
  }

  #follow(view: View, epochRestart: boolean, first: boolean): void {
    const verdict = this.#fence.check(view, epochRestart, first)
    if (verdict.refused !== null) {
      this.#deps.log.warn({ group: view.group }, `a view was not followed: ${verdict.refused}`)
      return
    }
    if (verdict.switched) this.#holds.switched(view.group)
    this.#hooks.onView(view, verdict.switched)
  }
}

function nothing(): void {
  // There is no timer yet.
}
