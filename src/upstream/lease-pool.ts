import { createPool, type Pool } from 'generic-pool'
import { ProxyError } from '../base/errors.ts'
import { deferred } from '../base/deferred.ts'
import type { Arbiter, Identity, LinkState } from '../dispatcher.ts'
import { Link, type LinkContext } from './link.ts'

/** Limits of the exclusive links of one generation. Times in milliseconds. */
export interface LeasePoolOptions {
  /** The most links of one (identity, RESP version). */
  readonly max: number
  /** The longest wait for a free one. */
  readonly acquireTimeoutMs: number
  /** The most sessions that may wait. */
  readonly maxWaiting: number
  /** An unused link is closed after this long. */
  readonly idleMs: number
}

interface Waiter {
  readonly identity: Identity
  readonly fail: (cause: ProxyError) => void
}

/**
 * Exclusive links by (identity, RESP version). generic-pool calls a rejecting `create` again at
 * once and without end, so `create` tries by itself with a pause between, rejects behind a pause
 * when nobody waits any more, and once the generation has ended it simply never settles; those who
 * wait are told by `#fail` instead.
 */
export class LeasePool {
  readonly #context: LinkContext
  readonly #arbiter: Arbiter
  readonly #options: LeasePoolOptions
  readonly #pools = new Map<Identity, Map<2 | 3, Pool<Link>>>()
  readonly #links = new Set<Link>()
  readonly #waiters = new Set<Waiter>()
  #closed = false

  constructor(context: LinkContext, arbiter: Arbiter, options: LeasePoolOptions) {
    this.#context = context
    this.#arbiter = arbiter
    this.#options = options
  }

  /**
   * Rejects with LEASE_LIMIT when none becomes free in time, with HANDSHAKE_FAILED when the server
   * refuses the identity, or with the end of the generation.
   */
  acquire(state: LinkState): Promise<Link> {
    if (this.#closed) return Promise.reject(new ProxyError('FENCED', 'the generation has ended'))
    const pool = this.#pool(state)
    const outcome = deferred<Link>()
    const waiter: Waiter = { identity: state.identity, fail: outcome.reject }
    this.#waiters.add(waiter)
    pool.acquire().then(
      (link) => {
        // whoever was told to give up is no longer among the waiters: the link goes back
        if (this.#waiters.delete(waiter)) outcome.resolve(link)
        else this.release(link, state, !this.#closed)
      },
      (cause: unknown) => {
        if (this.#waiters.delete(waiter)) {
          outcome.reject(new ProxyError('LEASE_LIMIT', undefined, { cause }))
        }
      },
    )
    return outcome.promise
  }

  release(link: Link, state: LinkState, clean: boolean): void {
    const pool = this.#pool(state)
    const done = clean && !link.closed ? pool.release(link) : pool.destroy(link)
    // a link that the pool no longer knows has been closed with its generation
    Promise.resolve(done).catch(() => undefined)
  }

  links(): Iterable<Link> {
    return this.#links
  }

  end(cause: ProxyError): void {
    this.#closed = true
    this.#fail(cause, null)
    for (const link of [...this.#links]) link.destroy(cause)
    for (const pools of this.#pools.values()) {
      for (const pool of pools.values()) {
        pool.drain().then(
          () => pool.clear(),
          () => undefined,
        )
      }
    }
  }

  #pool(state: LinkState): Pool<Link> {
    let pools = this.#pools.get(state.identity)
    if (pools === undefined) this.#pools.set(state.identity, (pools = new Map<2 | 3, Pool<Link>>()))
    let pool = pools.get(state.resp)
    if (pool === undefined) pools.set(state.resp, (pool = this.#makePool(state)))
    return pool
  }

  #makePool(state: LinkState): Pool<Link> {
    const start: LinkState = { identity: state.identity, resp: state.resp, db: 0 }
    const { max, acquireTimeoutMs, maxWaiting, idleMs } = this.#options
    return createPool<Link>(
      {
        create: async () => await this.#create(start),
        destroy: (link) => {
          this.#links.delete(link)
          link.destroy(new ProxyError('FENCED', 'a lease that is no longer needed'))
          return Promise.resolve()
        },
        validate: (link) => Promise.resolve(!link.closed),
      },
      {
        max,
        min: 0,
        testOnBorrow: true,
        acquireTimeoutMillis: acquireTimeoutMs,
        maxWaitingClients: maxWaiting,
        idleTimeoutMillis: idleMs,
        evictionRunIntervalMillis: Math.max(1000, idleMs / 2),
        fifo: false,
        autostart: false,
      },
    )
  }

  /** Tells those who wait (of one identity, or all of them) that it was in vain. */
  #fail(cause: ProxyError, identity: Identity | null): void {
    for (const waiter of this.#waiters) {
      if (identity !== null && waiter.identity !== identity) continue
      this.#waiters.delete(waiter)
      waiter.fail(cause)
    }
  }

  /** Does anybody wait for a link of this identity? At the end of all, nobody need be told. */
  #isWanted(identity: Identity): boolean {
    if (this.#closed) return true
    for (const waiter of this.#waiters) if (waiter.identity === identity) return true
    return false
  }

  async #create(state: LinkState): Promise<Link> {
    for (let pause = 50; ; pause = Math.min(1000, pause * 2)) {
      if (this.#closed) return await new Promise<never>(() => undefined)
      const link = new Link(this.#context, 'lease', state, this.#arbiter)
      this.#links.add(link)
      try {
        await link.ready
        return link
      } catch (thrown) {
        this.#links.delete(link)
        if (thrown instanceof ProxyError && thrown.code === 'HANDSHAKE_FAILED') {
          this.#fail(thrown, state.identity)
        }
        await new Promise<void>((done) => this.#context.clock.after(pause, done))
        if (!this.#isWanted(state.identity)) throw thrown
      }
    }
  }
}
