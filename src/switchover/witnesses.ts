import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import { Questioner } from '../discovery/questioner.ts'
import type { LinkOptions } from '../discovery/redis-link.ts'
import { infoFields, parseMasterFacts, parseReplicas } from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import type { ReplicaInfo } from '../topology/view.ts'
import type { NodeState } from './fitness.ts'
import { promotable } from './fitness.ts'

export interface WitnessOptions {
  readonly group: string
  readonly sentinelLink: LinkOptions
  readonly nodeLink: LinkOptions
  readonly addressMap: AddressMap
}

/** One sentinel's word on a group, as far as it decides whether and whom it would promote. */
export interface SentinelWord {
  readonly sentinel: Address
  /** Why it cannot be asked for a failover now; null: it can. */
  readonly objection: string | null
  /** Whom it might promote, the likeliest first. */
  readonly promotable: readonly ReplicaInfo[]
}

/** Asks the servers themselves, on connections that live as long as one switchover. */
export class Witnesses {
  readonly #options: WitnessOptions
  readonly #sentinels: Questioner
  readonly #nodes: Questioner

  constructor(options: WitnessOptions) {
    this.#options = options
    this.#sentinels = new Questioner(options.sentinelLink)
    this.#nodes = new Questioner(options.nodeLink)
  }

  async sentinel(sentinel: Address, master: Address): Promise<SentinelWord> {
    const { addressMap, group } = this.#options
    try {
      const [facts, replicas] = await this.#sentinels.ask(sentinel, [
        ['SENTINEL', 'MASTER', group],
        ['SENTINEL', 'SLAVES', group],
      ])
      const known = parseMasterFacts(facts, addressMap)
      const objection =
        known === null
          ? 'does not know the group'
          : addressKey(known.address) !== addressKey(master)
            ? `names ${addressKey(known.address)}`
            : known.flags.join(',') !== 'master'
              ? `says of the master: ${known.flags.join(',')}`
              : null
      return { sentinel, objection, promotable: promotable(parseReplicas(replicas, addressMap)) }
    } catch (error) {
      return { sentinel, objection: reasonOf(error), promotable: [] }
    }
  }

  async node(address: Address): Promise<NodeState> {
    try {
      const info = await this.#nodes.ask(address, [
        ['INFO', 'server'],
        ['INFO', 'replication'],
      ])
      return nodeStateOf(info)
    } catch (error) {
      return { isAsked: false, reason: reasonOf(error) }
    }
  }

  /** SENTINEL FAILOVER; rejects with the sentinel's own words when it refuses. */
  async failOver(sentinel: Address): Promise<void> {
    const { group } = this.#options
    await this.#sentinels.askOne(sentinel, 'SENTINEL', 'FAILOVER', group)
  }

  close(): void {
    this.#sentinels.close()
    this.#nodes.close()
  }
}

/** From the replies to INFO server and INFO replication. */
export function nodeStateOf([server, replication]: readonly unknown[]): NodeState {
  if (replication instanceof Error) return { isAsked: false, reason: replication.message }
  const fields = infoFields(replication)
  const role = fields.get('role')
  if (role === undefined) throw new ProxyError('PROTOCOL', 'INFO replication names no role')
  const isMaster = role === 'master'
  return {
    isAsked: true,
    role,
    replId: fields.get('master_replid') ?? '',
    offset: Number(fields.get(isMaster ? 'master_repl_offset' : 'slave_repl_offset') ?? -1),
    linkUp: isMaster || fields.get('master_link_status') === 'up',
    runId: infoFields(server).get('run_id') ?? '',
  }
}
