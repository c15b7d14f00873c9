import type { Address } from '../base/address.ts'
import type { HelloEvidence, Stamp } from '../topology/evidence.ts'
import { parseHello } from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import { KeptLink } from './kept-link.ts'
import type { KeptLinkDeps } from './kept-link.ts'
import type { LinkOptions } from './redis-link.ts'

export interface HelloWatcherOptions {
  readonly node: Address
  readonly link: LinkOptions
  readonly addressMap: AddressMap
  readonly pingIntervalMs: number
}

export interface HelloWatcherHooks {
  stamp(): Stamp
  onHello(evidence: HelloEvidence): void
}

/** A dead data node is asked seldom: it is the second source only. */
const helloBackoff = { minMs: 250, maxMs: 5_000 } as const

/** What the sentinels tell each other by way of one data node. */
export class HelloWatcher {
  readonly #link: KeptLink

  constructor(options: HelloWatcherOptions, hooks: HelloWatcherHooks, deps: KeptLinkDeps) {
    this.#link = new KeptLink(
      {
        address: options.node,
        what: 'hello channel',
        link: options.link,
        pingIntervalMs: options.pingIntervalMs,
        backoff: helloBackoff,
      },
      {
        async setUp(redis) {
          redis.on('message', (_channel: string, payload: string) => {
            const hello = parseHello(payload, options.node, hooks.stamp(), options.addressMap)
            if (hello !== null) hooks.onHello(hello)
          })
          await redis.subscribe('__sentinel__:hello')
        },
        onUp() {
          // Hellos come by themselves, every 2 s.
        },
        onDown() {
          // The probe of ROLE decides whether the node is lost.
        },
      },
      deps,
    )
  }

  close(): void {
    this.#link.close()
  }
}
