import type { Arbiter, Exchange, Identity } from '../dispatcher.ts'
import { Link, type LinkContext, type LinkKind } from './link.ts'

/**
 * A set of shared links for one (identity, RESP version). The db is no part of the key: a link
 * puts a SELECT of its own before a command that needs another db than the one before it.
 *
 * Reads take the first link and commands that may write the first of the second half, since the
 * server may let writes wait and not reads (CLIENT PAUSE WRITE, FAILOVER). All of a kind take one, since
 * the fuller its writes to the socket are the less each command costs. Where commands are large that is
 * no gain, and they are spread over their half; and nobody who has the choice waits behind a large
 * reply or somebody's long pipeline.
 */
export class Lane {
  readonly #links: (Link | null)[]
  readonly #make: () => Link

  constructor(size: number, make: () => Link) {
    this.#links = new Array<Link | null>(size).fill(null)
    this.#make = make
  }

  /** The link for a command that is being dispatched. */
  linkFor(exchange: Exchange): Link {
    const { affinity } = exchange
    if (exchange.isAlone) affinity.link = this.#choose(exchange.traits.write, affinity.home)
    return this.link(exchange.affinity.link)
  }

  #choose(writes: boolean, home: number): number {
    const all = this.#links.length
    const reading = all - (all >> 1)
    const first = writes && all > 1 ? reading : 0
    if (this.#isFree(first) && this.#links[first]?.volume.isLarge !== true) return first
    const count = all === 1 ? 1 : writes ? all - reading : reading
    for (let i = 0; i < count; i++) {
      const index = first + ((home + i) % count)
      if (this.#isFree(index)) return index
    }
    return first + (home % count)
  }

  #isFree(index: number): boolean {
    const link = this.#links[index]
    return link == null || link.closed || !link.isBusy
  }

  /** A dead one is replaced. */
  link(number: number): Link {
    const index = number % this.#links.length
    const link = this.#links[index]
    if (link !== null && link !== undefined && !link.closed) return link
    const made = this.#make()
    this.#links[index] = made
    return made
  }

  revive(): void {
    for (const [index, link] of this.#links.entries()) {
      if (link?.closed === true) this.#links[index] = this.#make()
    }
  }

  *links(): Generator<Link> {
    for (const link of this.#links) if (link !== null && !link.closed) yield link
  }
}

/** The lanes of one identity. */
interface LaneSet {
  /** By RESP version: index 0 for RESP2, 1 for RESP3. */
  readonly lane: readonly [Lane, Lane]
  readonly control: readonly [Lane, Lane]
  readonly greeter: Lane
}

const nobody: Identity = { name: 'default', auth: null }

/** All shared links of one generation, made when first needed. */
export class Lanes {
  readonly #context: LinkContext
  readonly #arbiter: Arbiter
  readonly #size: number
  readonly #sets = new Map<Identity, LaneSet>()
  /** The one that was looked up last: nearly all commands are of one identity. */
  #latest: { readonly identity: Identity; readonly set: LaneSet } | null = null
  readonly #prober: Lane

  constructor(context: LinkContext, arbiter: Arbiter, size: number) {
    this.#context = context
    this.#arbiter = arbiter
    this.#size = size
    this.#prober = this.#lane(nobody, 2, 'prober', 1)
  }

  /** The link that carries a command which is being dispatched. */
  linkFor(exchange: Exchange): Link {
    return exchange.via === 'lane'
      ? this.#laneOf(exchange).linkFor(exchange)
      : this.linkOf(exchange)
  }

  /** The link that carries this command. */
  linkOf(exchange: Exchange): Link {
    if (exchange.via === 'lane') return this.#laneOf(exchange).link(exchange.affinity.link)
    const { identity, resp } = exchange.state
    const set = this.#setOf(identity)
    const version = resp === 2 ? 0 : 1
    switch (exchange.via) {
      case 'control':
        return set.control[version].link(0)
      case 'greeter':
        return set.greeter.link(0)
      case 'prober':
        return this.#prober.link(0)
    }
  }

  #laneOf({ state: { identity, resp } }: Exchange): Lane {
    return this.#setOf(identity).lane[resp === 2 ? 0 : 1]
  }

  #setOf(identity: Identity): LaneSet {
    if (this.#latest?.identity === identity) return this.#latest.set
    const set = this.#sets.get(identity) ?? this.#addSet(identity)
    this.#latest = { identity, set }
    return set
  }

  /** Makes the links of an identity that were lost, without waiting for a command. */
  revive(identity: Identity): void {
    for (const lane of this.#sets.get(identity)?.lane ?? []) lane.revive()
  }

  *links(): Generator<Link> {
    yield* this.#prober.links()
    for (const { lane, control, greeter } of this.#sets.values()) {
      for (const each of [...lane, ...control, greeter]) yield* each.links()
    }
  }

  #addSet(identity: Identity): LaneSet {
    const set: LaneSet = {
      lane: [
        this.#lane(identity, 2, 'lane', this.#size),
        this.#lane(identity, 3, 'lane', this.#size),
      ],
      control: [this.#lane(identity, 2, 'control', 1), this.#lane(identity, 3, 'control', 1)],
      greeter: this.#lane(identity, 2, 'greeter', 1),
    }
    this.#sets.set(identity, set)
    return set
  }

  #lane(identity: Identity, resp: 2 | 3, kind: LinkKind, size: number): Lane {
    const state = { identity, resp, db: 0 }
    return new Lane(size, () => new Link(this.#context, kind, state, this.#arbiter))
  }
}
