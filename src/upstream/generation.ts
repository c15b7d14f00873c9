import { addressKey } from '../base/address.ts'
import { deferred, type Deferred } from '../base/deferred.ts'
import { ProxyError } from '../base/errors.ts'
import type {
  Arbiter,
  Exchange,
  Generation,
  Identity,
  Lease,
  LeaseOwner,
  LinkState,
} from '../dispatcher.ts'
import type { LeaseReason } from '../routing/traits.ts'
import { Lanes } from './lanes.ts'
import { LeasePool, type LeasePoolOptions } from './lease-pool.ts'
import { Link, type LinkBase, type LinkContext, type LinkKind } from './link.ts'
import type { Greeting } from './handshake.ts'

/** Milliseconds after which a link that the server closed is made again. */
const reviveMs = 50

/** How one generation is made. */
export interface GenerationOptions {
  readonly linksPerLane: number
  readonly lease: LeasePoolOptions
  /** Whom the proxy itself is on the master when it asks for ROLE and run_id. */
  readonly probeIdentity: Identity
}

/** All the links to one master. See `Generation` in dispatcher.ts for the contract. */
export class MasterGeneration implements Generation {
  readonly number: number
  readonly address: string
  readonly runId: string
  readonly version: string
  readonly wantsAuth: boolean
  readonly #context: LinkContext
  readonly #options: GenerationOptions
  readonly #arbiter: Arbiter
  readonly #lanes: Lanes
  readonly #leases: LeasePool
  /** Leased for one call that waits inside the server. */
  readonly #blocking = new Set<Link>()
  /** Links that wait for the server's word on whether it is no master any more. */
  readonly #asking = new Set<Deferred<boolean>>()
  /** The server has said that it is none: nobody need ask again before it says otherwise. */
  #isRefuted = false
  #destroyed = false

  constructor(
    number: number,
    greeting: Greeting,
    base: LinkBase,
    options: GenerationOptions,
    arbiter: Arbiter,
  ) {
    this.number = number
    this.address = addressKey(base.options)
    this.runId = greeting.runId
    this.version = greeting.version
    this.wantsAuth = greeting.wantsAuth
    this.#context = {
      ...base,
      onLost: (link, cause) => {
        this.#onLost(link, cause)
      },
      isRefuted: () => this.#askRole(),
    }
    this.#options = options
    this.#arbiter = arbiter
    this.#lanes = new Lanes(this.#context, arbiter, options.linksPerLane)
    this.#leases = new LeasePool(this.#context, arbiter, options.lease)
  }

  dispatch(exchange: Exchange): boolean {
    return this.#lanes.linkFor(exchange).send(exchange)
  }

  onDrain(exchange: Exchange, fn: () => void): void {
    this.#lanes.linkOf(exchange).onDrain(fn)
  }

  async lease(
    state: LinkState,
    reason: LeaseReason,
    owner: LeaseOwner,
    arbiter: Arbiter,
  ): Promise<Lease> {
    const link = await this.#leases.acquire(state)
    link.lend(owner, arbiter, state.db)
    if (reason === 'blocking') this.#blocking.add(link)
    return new LinkLease(link, (clean) => {
      this.#blocking.delete(link)
      link.owner = null
      link.arbiter = this.#arbiter
      this.#leases.release(link, state, clean)
    })
  }

  inFlight(): number {
    let sum = 0
    for (const link of this.#lanes.links()) sum += link.commands
    for (const link of this.#leases.links()) {
      if (!this.#waitsInside(link)) sum += link.commands
    }
    return sum
  }

  /** XREAD waits only with BLOCK, for which it takes a link. */
  #waitsInside(link: Link): boolean {
    const traits = link.inFlight.peek()?.traits
    if (traits?.verb === 'xread') return this.#blocking.has(link)
    return traits?.replay === 'blocking' || traits?.verb === 'wait'
  }

  /** How many links of each kind there are. */
  census(): Record<LinkKind, number> {
    const count = { lane: 0, lease: 0, control: 0, greeter: 0, prober: 0, probe: 0 }
    for (const link of this.#lanes.links()) count[link.kind]++
    for (const link of this.#leases.links()) count[link.kind]++
    return count
  }

  async verify(): Promise<void> {
    try {
      const greeting = await probe(this.#context, this.#options.probeIdentity, this.#arbiter)
      // one that is busy with a script does not tell, and is no other for that
      const isAnother = greeting.runId !== '' && this.runId !== '' && greeting.runId !== this.runId
      if (isAnother) {
        throw new ProxyError('NOT_MASTER', `another server answers at ${this.address}`)
      }
      this.#isRefuted = false
    } catch (thrown) {
      if (thrown instanceof ProxyError && thrown.code === 'NOT_MASTER') this.#onRefuted()
      throw thrown
    }
  }

  /** Whoever asks has the answer with the first NOT_MASTER that anybody hears. */
  async #askRole(): Promise<boolean> {
    if (this.#isRefuted) return true
    const answer = deferred<boolean>()
    this.#asking.add(answer)
    this.verify()
      .catch(() => undefined)
      .finally(() => {
        answer.resolve(this.#isRefuted)
      })
    try {
      return await answer.promise
    } finally {
      this.#asking.delete(answer)
    }
  }

  #onRefuted(): void {
    this.#isRefuted = true
    for (const answer of this.#asking) answer.resolve(true)
  }

  destroy(cause: ProxyError): void {
    if (this.#destroyed) return
    this.#destroyed = true
    const fenced = new ProxyError('FENCED', cause.message, { cause })
    for (const link of [...this.#lanes.links()]) link.destroy(fenced)
    this.#leases.end(fenced)
  }

  #onLost(link: Link, cause: ProxyError): void {
    if (this.#destroyed) return
    const { identity } = link
    if (cause.code === 'HANDSHAKE_FAILED') {
      if (identity.auth !== null && link.kind !== 'prober')
        this.#arbiter.onIdentityRefused(identity)
      return
    }
    // a user's link that the server closed is made again at once: perhaps the user is no more
    if (link.kind === 'lane' && identity.auth !== null) {
      this.#context.clock.after(reviveMs, () => {
        if (!this.#destroyed) this.#lanes.revive(identity)
      })
    }
    if (link.kind === 'lease' && link.owner === null) return // it lay unused in the pool
    this.#arbiter.onLinkLost(this, cause)
  }
}

/** Connects once, asks who is there, and closes. Rejects with a ProxyError. */
export async function probe(
  base: LinkBase,
  identity: Identity,
  arbiter: Arbiter,
): Promise<Greeting> {
  const context: LinkContext = {
    ...base,
    onLost: () => undefined,
    isRefuted: () => Promise.resolve(false),
  }
  const link = new Link(context, 'probe', { identity, resp: 2, db: 0 }, arbiter, true)
  try {
    return await link.ready
  } finally {
    link.destroy(new ProxyError('FENCED', 'the probe is done'))
  }
}

/** The lease of one link; `release` works once. */
class LinkLease implements Lease {
  readonly #link: Link
  #giveBack: ((clean: boolean) => void) | null

  constructor(link: Link, giveBack: (clean: boolean) => void) {
    this.#link = link
    this.#giveBack = giveBack
  }

  get serverId(): number {
    return this.#link.greeting?.clientId ?? 0
  }

  dispatch(exchange: Exchange): boolean {
    return this.#link.send(exchange)
  }

  onDrain(fn: () => void): void {
    this.#link.onDrain(fn)
  }

  raw(): void {
    this.#link.inbox.rawMode = true
  }

  pipe(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#link.pipe(bytes, start, end)
  }

  pause(): void {
    this.#link.pause()
  }

  resume(): void {
    this.#link.resume()
  }

  release(clean: boolean): void {
    const giveBack = this.#giveBack
    this.#giveBack = null
    giveBack?.(clean)
  }
}
