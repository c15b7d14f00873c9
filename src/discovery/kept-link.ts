import type { Redis } from 'ioredis'
import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { assertMove } from '../base/transitions.ts'
import type { TransitionTable } from '../base/transitions.ts'
import { openLink } from './redis-link.ts'
import type { LinkOptions } from './redis-link.ts'

type LinkState =
  | { readonly name: 'connecting' }
  | { readonly name: 'up'; readonly redis: Redis; readonly stop: () => void }
  | { readonly name: 'waiting'; readonly cancel: () => void }
  | { readonly name: 'closed' }

const moves: TransitionTable<LinkState['name']> = {
  connecting: ['up', 'waiting', 'closed'],
  up: ['waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: [],
}

export interface KeptLinkDeps {
  readonly clock: Clock
  readonly log: Log
}

export interface KeptLinkHooks {
  /** Subscriptions and the like; a rejection counts as a failed attempt. */
  setUp(redis: Redis): Promise<void>
  onUp(): void
  /** Called once for each loss and each failed attempt. */
  onDown(reason: string): void
}

export interface KeptLinkOptions {
  readonly address: Address
  /** For logs: `sentinel events`, `hello`. */
  readonly what: string
  readonly link: LinkOptions
  /** A link that is silent and half-open is found by PING; null where questions are asked anyway. */
  readonly pingIntervalMs: number | null
  readonly backoff: { readonly minMs: number; readonly maxMs: number }
}

/** Short, because each second without a sentinel is a second of blindness. */
export const linkBackoff = { minMs: 100, maxMs: 500 } as const

/** Up for so long, a link counts as well again. */
const SETTLED_MS = 1_000

/** A connection that comes back for ever, with our own bounded and jittered back-off. */
export class KeptLink {
  readonly #options: KeptLinkOptions
  readonly #hooks: KeptLinkHooks
  readonly #deps: KeptLinkDeps
  readonly #backoff: Backoff
  #state: LinkState = { name: 'connecting' }
  #lastReason = ''

  constructor(options: KeptLinkOptions, hooks: KeptLinkHooks, deps: KeptLinkDeps) {
    this.#options = options
    this.#hooks = hooks
    this.#deps = deps
    this.#backoff = new Backoff(options.backoff)
    void this.#connect()
  }

  /** The open connection, or null while there is none. */
  get redis(): Redis | null {
    return this.#state.name === 'up' ? this.#state.redis : null
  }

  /** The owner found the connection useless: it is dropped and made anew. */
  fail(reason: string): void {
    if (this.#state.name !== 'up') return
    const { redis, stop } = this.#state
    stop()
    redis.disconnect()
    this.#retryLater(reason)
  }

  close(): void {
    const state = this.#state
    if (state.name === 'closed') return
    this.#move({ name: 'closed' })
    if (state.name === 'waiting') state.cancel()
    if (state.name === 'up') {
      state.stop()
      state.redis.disconnect()
    }
  }

  #move(next: LinkState): void {
    assertMove(moves, this.#state.name, next.name)
    this.#state = next
  }

  async #connect(): Promise<void> {
    let redis: Redis | null = null
    try {
      redis = await openLink(this.#options.address, this.#options.link)
      await this.#hooks.setUp(redis)
      if (redis.status === 'end') throw new ProxyError('LINK_LOST', 'closed at once')
    } catch (error) {
      redis?.disconnect()
      if (this.#state.name === 'connecting') this.#retryLater(reasonOf(error))
      return
    }
    if (this.#state.name !== 'connecting') {
      redis.disconnect()
      return
    }
    this.#up(redis)
  }

  #up(redis: Redis): void {
    redis.once('end', () => {
      if (this.#state.name === 'up' && this.#state.redis === redis) this.fail('connection closed')
    })
    const stopPing = this.#startPing(redis)
    // A link that is accepted and dies at once, again and again, keeps its growing waits.
    const cancelSettled = this.#deps.clock.after(SETTLED_MS, () => {
      this.#backoff.reset()
      if (this.#lastReason === '') return
      this.#deps.log.info(this.#fields(), `${this.#options.what}: connected again`)
      this.#lastReason = ''
    })
    const stop = (): void => {
      stopPing()
      cancelSettled()
    }
    this.#move({ name: 'up', redis, stop })
    this.#hooks.onUp()
  }

  #retryLater(reason: string): void {
    const cancel = this.#deps.clock.after(this.#backoff.next(), () => {
      this.#move({ name: 'connecting' })
      void this.#connect()
    })
    this.#move({ name: 'waiting', cancel })
    // The same trouble is told once, however often it is met.
    if (reason !== this.#lastReason) {
      this.#deps.log.warn({ ...this.#fields(), reason }, `${this.#options.what}: not connected`)
      this.#lastReason = reason
    }
    this.#hooks.onDown(reason)
  }

  #fields(): object {
    return { address: addressKey(this.#options.address) }
  }

  #startPing(redis: Redis): () => void {
    const interval = this.#options.pingIntervalMs
    if (interval === null) {
      return () => {
        // There is no timer.
      }
    }
    let cancel = this.#deps.clock.after(interval, beat)
    const fail = (reason: string) => {
      if (this.#state.name === 'up' && this.#state.redis === redis) this.fail(reason)
    }
    const again = () => {
      if (this.#state.name === 'up' && this.#state.redis === redis) {
        cancel = this.#deps.clock.after(interval, beat)
      }
    }
    function beat(): void {
      redis.ping().then(again, (error: unknown) => {
        fail(`no answer to PING: ${reasonOf(error)}`)
      })
    }
    return () => {
      cancel()
    }
  }
}
