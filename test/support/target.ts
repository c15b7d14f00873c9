import { beforeEach } from 'vitest'

import type { FaultRelay } from './fault-relay.ts'
import { startRelay } from './fault-relay.ts'
import { Proxy } from './proxy.ts'
import type { ProxyOptions } from './proxy.ts'
import type { SentinelGroup } from './sentinel-group.ts'

/**
 * What the suites talk to. `proxy` is the product; `direct` is the group's first master itself, which
 * tells whether a conversation is right at all; `relay` is a TCP relay to whoever is the master when
 * a connection is made: the control that shows that the suites notice what they are there to notice.
 */
export type TargetKind = 'proxy' | 'direct' | 'relay'

export const TARGET = kindFrom(process.env['SWITCHMASTER_TEST_TARGET'])

/** The pool mode in which the suites have the product: SWITCHMASTER_POOL_MODE, or its default. */
export const POOL_MODE = process.env['SWITCHMASTER_POOL_MODE'] ?? ''

function kindFrom(text: string | undefined): TargetKind {
  if (text === undefined || text === '' || text === 'proxy') return 'proxy'
  if (text === 'direct' || text === 'relay') return text
  throw new Error(`SWITCHMASTER_TEST_TARGET is "${text}"; allowed: proxy, direct, relay`)
}

export class Target {
  readonly kind: TargetKind
  readonly port: number
  readonly #proxy: Proxy | undefined
  readonly #relay: FaultRelay | undefined

  constructor(kind: TargetKind, port: number, proxy?: Proxy, relay?: FaultRelay) {
    this.kind = kind
    this.port = port
    this.#proxy = proxy
    this.#relay = relay
  }

  /** The product, or undefined when the suite runs against something else. */
  get proxy(): Proxy | undefined {
    return this.#proxy
  }

  /** How many links to the master `clients` clients may cost: `links` where they share, else one each. */
  linksAllowed(clients: number, links: number): number {
    const isShared = this.kind === 'proxy' && POOL_MODE !== 'dedicated'
    return isShared ? links : clients + links
  }

  logs(): string {
    return this.#proxy?.logs() ?? ''
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop()
    await this.#relay?.stop()
  }
}

export async function openTarget(
  group: SentinelGroup,
  options: Omit<ProxyOptions, 'sentinels' | 'masterName'> = {},
): Promise<Target> {
  if (TARGET === 'direct') return new Target('direct', group.knownMaster.port)
  if (TARGET === 'relay') {
    const relay = await startRelay(() => group.knownMaster.port)
    return new Target('relay', relay.port, undefined, relay)
  }
  const names = { sentinels: group.sentinelList, masterName: group.name }
  const args = options.args ?? []
  const mode = POOL_MODE === '' || args.includes('--pool-mode') ? [] : ['--pool-mode', POOL_MODE]
  const proxy = await Proxy.start({ ...options, ...names, args: [...args, ...mode] })
  return new Target('proxy', proxy.port, proxy)
}

/** Prints what the product logged when a test of this file fails. Call it inside the file's body. */
export function showLogsOnFailure(target: () => Target | undefined): void {
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => {
      const logs = target()?.logs() ?? ''
      if (logs !== '') console.error(logs.slice(-20_000))
    })
  })
}
