import type { Address } from '../base/address.ts'
import type { Redis } from 'ioredis'
import { reasonOf } from '../base/errors.ts'
import type { LostEvidence, PollEvidence, Stamp } from '../topology/evidence.ts'
import {
  infoFields,
  parseMasterAddress,
  parseMasterFacts,
  parsePeers,
  parseReplicas,
} from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import { KeptLink, linkBackoff } from './kept-link.ts'
import type { KeptLinkDeps } from './kept-link.ts'
import { askAll } from './redis-link.ts'
import type { LinkOptions } from './redis-link.ts'

export interface SentinelPollerOptions {
  readonly sentinel: Address
  readonly group: string
  readonly link: LinkOptions
  readonly addressMap: AddressMap
}

export interface SentinelPollerHooks {
  stamp(): Stamp
  onAnswer(evidence: PollEvidence | LostEvidence): void
}

/** Between two questions at the least, however many events ask for one. */
const MIN_GAP_MS = 10
/** Every so many polls the replicas and the other sentinels are asked for too. */
const FULL_EVERY = 5

/** Questions to one sentinel: one pipeline at a time, the next one after its answer. */
export class SentinelPoller {
  readonly #options: SentinelPollerOptions
  readonly #hooks: SentinelPollerHooks
  readonly #deps: KeptLinkDeps
  readonly #link: KeptLink
  #asking = false
  #again = false
  #cancelGap: () => void = () => {
    // No gap is being waited for.
  }
  #polls = 0
  #closed = false

  constructor(options: SentinelPollerOptions, hooks: SentinelPollerHooks, deps: KeptLinkDeps) {
    this.#options = options
    this.#hooks = hooks
    this.#deps = deps
    this.#link = new KeptLink(
      {
        address: options.sentinel,
        what: 'sentinel queries',
        link: options.link,
        pingIntervalMs: null,
        backoff: linkBackoff,
      },
      {
        setUp: () => Promise.resolve(),
        onUp: () => {
          this.#polls = 0
          this.poll()
        },
        onDown: (reason) => {
          hooks.onAnswer({ kind: 'lost', ...hooks.stamp(), sentinel: options.sentinel, reason })
        },
      },
      deps,
    )
  }

  /** Asks now, or directly after the answer that is awaited. */
  poll(): void {
    if (this.#asking) {
      this.#again = true
      return
    }
    const redis = this.#link.redis
    if (redis !== null) void this.#ask(redis)
  }

  close(): void {
    this.#closed = true
    this.#cancelGap()
    this.#link.close()
  }

  async #ask(redis: Redis): Promise<void> {
    this.#asking = true
    const askedAt = this.#hooks.stamp().at
    const full = this.#polls++ % FULL_EVERY === 0
    try {
      const replies = await askAll(redis, this.#questions(full))
      // NOPERM, NOAUTH: not the word of one who does not know the group
      const [master] = replies
      if (master instanceof Error) throw master
      if (this.#link.redis === redis) this.#hooks.onAnswer(this.#evidence(replies, askedAt, full))
    } catch (error) {
      if (this.#link.redis === redis) this.#link.fail(reasonOf(error))
    }
    if (this.#closed) return
    this.#cancelGap = this.#deps.clock.after(MIN_GAP_MS, () => {
      this.#asking = false
      if (!this.#again) return
      this.#again = false
      this.poll()
    })
  }

  #questions(full: boolean): [string, ...string[]][] {
    const { group } = this.#options
    const address: [string, ...string[]] = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group]
    const questions: [string, ...string[]][] = [
      address,
      ['SENTINEL', 'MASTER', group],
      address,
      ['INFO', 'sentinel'],
      ['SENTINEL', 'MYID'],
    ]
    if (full) questions.push(['SENTINEL', 'SLAVES', group], ['SENTINEL', 'SENTINELS', group])
    return questions
  }

  #evidence(replies: readonly unknown[], askedAt: number, full: boolean): PollEvidence {
    const { addressMap: map, sentinel } = this.#options
    const [before, master, after, info, myId, replicas, peers] = replies
    const facts = Array.isArray(master) ? parseMasterFacts(master, map) : null
    return {
      kind: 'poll',
      ...this.#hooks.stamp(),
      sentinel,
      askedAt,
      runId: typeof myId === 'string' ? myId : null,
      tilt: infoFields(info).get('sentinel_tilt') === '1',
      before: parseMasterAddress(before, map),
      after: parseMasterAddress(after, map),
      master: facts,
      replicas: full && Array.isArray(replicas) ? parseReplicas(replicas, map) : null,
      peers: full && Array.isArray(peers) ? parsePeers(peers, map) : null,
    }
  }
}
