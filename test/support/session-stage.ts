import { afterEach } from 'vitest'

import { watchLeaks } from './leaks.ts'
import { Proxy } from './proxy.ts'
import type { ProxyOptions } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'
import { startSentinelGroup } from './sentinel-group.ts'
import type { SentinelGroup, SentinelGroupOptions } from './sentinel-group.ts'
import { Target, showLogsOnFailure } from './target.ts'
import { TrapRelay } from './trap-relay.ts'

export interface SessionStageOptions extends Omit<ProxyOptions, 'sentinels' | 'masterName'> {
  readonly group?: SentinelGroupOptions
  /** The proxy reaches each data node through a relay of its own. */
  readonly relays?: boolean
}

/** A group of its own for one test with the product in front of it. */
export interface SessionStage {
  readonly group: SentinelGroup
  readonly proxy: Proxy
  /** The relay in front of a node. */
  readonly relay: (node: RedisServer) => TrapRelay
  /** A client of the proxy that waits up to 30 s for each reply. */
  readonly client: () => Promise<RawClient>
  readonly clients: (count: number) => Promise<RawClient[]>
}

interface Stoppable {
  stop(): Promise<unknown>
}

/** One node beside the master and one sentinel are enough where only the clients matter. */
const smallGroup: SentinelGroupOptions = { replicas: 1, sentinels: 1 }

/** For the tests of one file. Everything that a test opens is closed after it, the last one first. */
export function sessionStages(): {
  readonly open: (options?: SessionStageOptions) => Promise<SessionStage>
  readonly own: <T extends Stoppable>(item: T) => T
} {
  const owned: Stoppable[] = []
  let target: Target | undefined
  const own = <T extends Stoppable>(item: T): T => {
    owned.push(item)
    return item
  }
  const connect = async (port: number): Promise<RawClient> => {
    const client = await RawClient.connect(port, { patience: 30_000 })
    own({ stop: () => client.destroy() })
    return client
  }
  watchLeaks()
  showLogsOnFailure(() => target)
  afterEach(async () => {
    for (const item of owned.splice(0).reverse()) await item.stop()
  }, 30_000)
  return {
    own,
    open: async ({ group: groupOptions = {}, relays = false, args = [], ...options } = {}) => {
      const group = own(await startSentinelGroup({ ...smallGroup, ...groupOptions }))
      const ways = new Map<RedisServer, TrapRelay>()
      if (relays) {
        for (const node of group.nodes) ways.set(node, own(await TrapRelay.start(node.port)))
      }
      const map = [...ways].map(([{ port }, relay]) => `127.0.0.1:${port}=127.0.0.1:${relay.port}`)
      const mapped = relays ? ['--address-map', map.join(',')] : []
      const names = { sentinels: group.sentinelList, masterName: group.name }
      const proxy = await Proxy.start({ ...options, ...names, args: [...args, ...mapped] })
      target = own(new Target('proxy', proxy.port, proxy))
      return {
        group,
        proxy,
        relay: (node) => {
          const relay = ways.get(node)
          if (relay === undefined) throw new Error('this stage has no relays')
          return relay
        },
        client: () => connect(proxy.port),
        clients: async (count) => {
          const made: RawClient[] = []
          while (made.length < count) {
            const batch = Math.min(50, count - made.length)
            made.push(
              ...(await Promise.all(Array.from({ length: batch }, () => connect(proxy.port)))),
            )
          }
          return made
        },
      }
    },
  }
}

/** What the master has been told is on the replica too. */
export async function replicated(group: SentinelGroup): Promise<void> {
  await group.knownMaster.command('WAIT', group.nodes.length - 1, 5_000)
}
