import type { Address } from '../base/address.ts'
import type { Stamp } from '../topology/evidence.ts'
import type { EventEvidence } from '../topology/evidence.ts'
import { parseEvent } from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import { KeptLink, linkBackoff } from './kept-link.ts'
import type { KeptLinkDeps } from './kept-link.ts'
import type { LinkOptions } from './redis-link.ts'

export interface SentinelWatcherOptions {
  readonly sentinel: Address
  readonly link: LinkOptions
  readonly addressMap: AddressMap
  readonly pingIntervalMs: number
}

export interface SentinelWatcherHooks {
  stamp(): Stamp
  onEvent(evidence: EventEvidence): void
  /** The subscription stands (again); what was published meanwhile is lost, so ask. */
  onUp(): void
}

/** All events of one sentinel, as evidence. */
export class SentinelWatcher {
  readonly #link: KeptLink

  constructor(options: SentinelWatcherOptions, hooks: SentinelWatcherHooks, deps: KeptLinkDeps) {
    this.#link = new KeptLink(
      {
        address: options.sentinel,
        what: 'sentinel events',
        link: options.link,
        pingIntervalMs: options.pingIntervalMs,
        backoff: linkBackoff,
      },
      {
        async setUp(redis) {
          redis.on('pmessage', (_pattern: string, channel: string, payload: string) => {
            const event = parseEvent(channel, payload, options.addressMap)
            if (event === null) return
            hooks.onEvent({ kind: 'event', ...hooks.stamp(), sentinel: options.sentinel, event })
          })
          await redis.psubscribe('*')
        },
        onUp() {
          hooks.onUp()
        },
        onDown() {
          // The poller's connection decides whether the sentinel is lost.
        },
      },
      deps,
    )
  }

  get up(): boolean {
    return this.#link.redis !== null
  }

  close(): void {
    this.#link.close()
  }
}
