import { addressKey, parseAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import { Questioner } from '../discovery/questioner.ts'
import type { Question } from '../discovery/questioner.ts'
import {
  count,
  infoFields,
  parseMasterAddress,
  parseMasterFacts,
  parsePeers,
  parseReplicas,
  parseRole,
} from '../topology/parse.ts'
import { dig } from './admin-door.ts'
import type { CtlContext } from './context.ts'
import { entriesFrom, keysIn, listedReplicas, settingsFrom } from './observation.ts'
import type { NodeSeen, Observation, SentinelSeen } from './observation.ts'

/** The connections of one verb. */
export class Servers {
  readonly sentinels: Questioner
  readonly nodes: Questioner
  readonly #context: CtlContext

  constructor(context: CtlContext) {
    this.#context = context
    this.sentinels = new Questioner(context.sentinelLink)
    this.nodes = new Questioner(context.nodeLink)
  }

  /** Asks the given sentinels and those that they name, and all nodes that any of them names. */
  async observe(
    sentinels: readonly Address[],
    nodes: readonly Address[] = [],
  ): Promise<Observation> {
    const seen = new Map<string, SentinelSeen>()
    let next: readonly Address[] = sentinels
    while (next.length > 0) {
      for (const found of await Promise.all(next.map((each) => this.sentinel(each)))) {
        seen.set(addressKey(found.address), found)
      }
      const named = [...seen.values()].flatMap(({ peers }) => peers.map(({ address }) => address))
      next = distinct(named).filter((address) => !seen.has(addressKey(address)))
    }
    const all = [...seen.values()]
    const { group } = this.#context
    const partial = { group, sentinels: all, nodes: [] }
    const masters = all.flatMap(({ poll }) => [poll?.after ?? [], poll?.master?.address ?? []])
    const wanted = distinct([...nodes, ...masters.flat(), ...listedReplicas(partial)])
    return { ...partial, nodes: await Promise.all(wanted.map((each) => this.node(each))) }
  }

  async sentinel(address: Address): Promise<SentinelSeen> {
    const { addressMap: map, clock, group } = this.#context
    const askedAt = clock.now()
    const master: Question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group]
    try {
      const [before, facts, after, info, id, replicas, peers] = await this.sentinels.ask(address, [
        master,
        ['SENTINEL', 'MASTER', group],
        master,
        ['INFO', 'sentinel'],
        ['SENTINEL', 'MYID'],
        ['SENTINEL', 'SLAVES', group],
        ['SENTINEL', 'SENTINELS', group],
      ])
      const denied = [before, id].find((reply) => reply instanceof Error)
      if (denied instanceof Error) return unseen(address, denied.message)
      return {
        address,
        trouble: null,
        poll: {
          kind: 'poll',
          at: clock.now(),
          wall: Date.now(),
          sentinel: address,
          askedAt,
          runId: typeof id === 'string' ? id : null,
          tilt: infoFields(info).get('sentinel_tilt') === '1',
          before: parseMasterAddress(before, map),
          after: parseMasterAddress(after, map),
          master: Array.isArray(facts) ? parseMasterFacts(facts, map) : null,
          replicas: parseReplicas(replicas, map),
          peers: parsePeers(peers, map),
        },
        settings: settingsFrom(facts),
        replicas: entriesFrom(replicas, map),
        peers: entriesFrom(peers, map),
      }
    } catch (error) {
      return unseen(address, reasonOf(error))
    }
  }

  async node(address: Address): Promise<NodeSeen> {
    const { addressMap, clock } = this.#context
    try {
      const [role, server, replication, keyspace] = await this.nodes.ask(address, [
        ['ROLE'],
        ['INFO', 'server'],
        ['INFO', 'replication'],
        ['INFO', 'keyspace'],
      ])
      if (role instanceof Error) throw role
      const info = `${String(server)}\r\n${String(replication)}`
      const stamp = { at: clock.now(), wall: Date.now() }
      const priority = count(infoFields(replication).get('slave_priority')) ?? 100
      const known = parseRole(address, role, info, stamp, addressMap)
      return { address, trouble: null, role: known, keys: keysIn(keyspace), priority }
    } catch (error) {
      return { address, trouble: reasonOf(error), role: null, keys: 0, priority: 0 }
    }
  }

  close(): void {
    this.sentinels.close()
    this.nodes.close()
  }
}

function unseen(address: Address, trouble: string): SentinelSeen {
  return { address, trouble, poll: null, settings: null, replicas: [], peers: [] }
}

export function distinct(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [addressKey(address), address])).values()]
}

/** The sentinels of the configuration, else those that the running proxy follows. */
export async function knownSentinels(context: CtlContext): Promise<readonly Address[]> {
  if (context.sentinels.length > 0) return context.sentinels
  const found = sentinelsIn(await context.door.state(), context.group)
  if (found.length > 0) return found
  const tried = `no proxy answers at ${context.door.name} that could name them`
  throw new ProxyError('CONFIG', `sentinels: none are given, and ${tried}; give --sentinels`)
}

export function sentinelsIn(state: unknown, group: string): readonly Address[] {
  const list = dig(state, 'monitor', 'groups', group, 'view', 'sentinels')
  if (!Array.isArray(list)) return []
  return list.flatMap((item) => {
    const host = dig(item, 'address', 'host')
    const port = dig(item, 'address', 'port')
    if (typeof host !== 'string' || typeof port !== 'number') return []
    const address = parseAddress(addressKey({ host, port }))
    return address ?? []
  })
}
