import { addressKey, normalizeHost, parseAddress, parsePort, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type {
  HelloEvidence,
  MasterFacts,
  RoleEvidence,
  SentinelEvent,
  SentinelPeer,
  Stamp,
} from './evidence.ts'
import type { ReplicaInfo } from './view.ts'

/**
 * Where text of servers becomes evidence. Every address that comes from outside is made by
 * `addressFrom`, so that the address map (NAT) holds on every path.
 */

/** From the announced `host:port` to the address under which we reach it. */
export type AddressMap = ReadonlyMap<string, Address>

export function addressFrom(host: string, port: string, map: AddressMap): Address | null {
  const number = parsePort(port)
  if (number === null) return null
  const address = { host: normalizeHost(host), port: number }
  return map.get(addressKey(address)) ?? address
}

/**
 * The way back: what the group itself calls a server that we reach at `address`, to be used wherever
 * a server is told of another. Of several names the first in the map.
 */
export function announcedAs(address: Address, map: AddressMap): Address {
  for (const [announced, reached] of map) {
    if (sameAddress(reached, address)) return parseAddress(announced) ?? address
  }
  return address
}

/** A whole number that is safe to compare; null for anything else. */
export function count(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,15}$/.test(text)) return null
  return Number(text)
}

/** One message of a sentinel's PSUBSCRIBE; null when the payload has not the form of the event. */
export function parseEvent(
  channel: string,
  payload: string,
  map: AddressMap,
): SentinelEvent | null {
  const tokens = payload.split(' ')
  if (channel === '+switch-master') {
    const [group, oldHost, oldPort, newHost, newPort] = tokens
    if (group === undefined || oldHost === undefined || oldPort === undefined) return null
    if (newHost === undefined || newPort === undefined || tokens.length !== 5) return null
    const from = addressFrom(oldHost, oldPort, map)
    const to = addressFrom(newHost, newPort, map)
    if (from === null || to === null) return null
    return { shape: 'switch', name: '+switch-master', group, from, to }
  }
  const [type, name, host, port] = tokens
  if (type !== 'master' && type !== 'slave' && type !== 'sentinel') {
    return { shape: 'other', name: channel, text: payload }
  }
  if (name === undefined || host === undefined || port === undefined) return null
  const address = addressFrom(host, port, map)
  if (address === null) return null
  const group = tokens[4] === '@' ? tokens[5] : type === 'master' ? name : undefined
  if (group === undefined) return null
  const rest = tokens.slice(tokens[4] === '@' ? 8 : 4).join(' ')
  return { shape: 'instance', name: channel, type, address, group, rest }
}

/** `ip,port,runid,current_epoch,name,master_ip,master_port,config_epoch` */
export function parseHello(
  payload: string,
  node: Address,
  stamp: Stamp,
  map: AddressMap,
): HelloEvidence | null {
  const [host, port, runId, , group, masterHost, masterPort, epoch] = payload.split(',')
  if (host === undefined || port === undefined || runId === undefined) return null
  if (group === undefined || masterHost === undefined || masterPort === undefined) return null
  const sentinel = addressFrom(host, port, map)
  const master = addressFrom(masterHost, masterPort, map)
  const configEpoch = count(epoch)
  if (sentinel === null || master === null || configEpoch === null) return null
  return { kind: 'hello', ...stamp, node, sentinel, runId, group, master, configEpoch }
}

/** A flat reply of names and values as a map; anything else is empty. */
export function fieldsOf(reply: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  if (!Array.isArray(reply)) return fields
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]))
  return fields
}

/** The lines `name:value` of INFO. */
export function infoFields(text: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  if (typeof text !== 'string') return fields
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

/** The reply of get-master-addr-by-name; null for a group that is not known. */
export function parseMasterAddress(reply: unknown, map: AddressMap): Address | null {
  if (!Array.isArray(reply) || reply.length !== 2) return null
  return addressFrom(String(reply[0]), String(reply[1]), map)
}

function runIdFrom(text: string | undefined): string | null {
  return text === undefined || text === '' || text === '?' ? null : text
}

export function parseMasterFacts(reply: unknown, map: AddressMap): MasterFacts | null {
  const fields = fieldsOf(reply)
  const address = addressFrom(fields.get('ip') ?? '', fields.get('port') ?? '', map)
  const configEpoch = count(fields.get('config-epoch'))
  if (address === null || configEpoch === null) return null
  return {
    address,
    runId: runIdFrom(fields.get('runid')),
    configEpoch,
    flags: (fields.get('flags') ?? '').split(','),
    downAfterMs: count(fields.get('down-after-milliseconds')),
    failoverTimeoutMs: count(fields.get('failover-timeout')),
  }
}

export function parseReplicas(reply: unknown, map: AddressMap): ReplicaInfo[] {
  const replicas: ReplicaInfo[] = []
  for (const item of Array.isArray(reply) ? reply : []) {
    const fields = fieldsOf(item)
    const address = addressFrom(fields.get('ip') ?? '', fields.get('port') ?? '', map)
    if (address === null) continue
    replicas.push({
      address,
      runId: runIdFrom(fields.get('runid')),
      flags: fields.get('flags') ?? '',
      linkUp: fields.get('master-link-status') === 'ok',
      priority: count(fields.get('slave-priority')) ?? 0,
      offset: count(fields.get('slave-repl-offset')) ?? 0,
    })
  }
  return replicas
}

export function parsePeers(reply: unknown, map: AddressMap): SentinelPeer[] {
  const peers: SentinelPeer[] = []
  for (const item of Array.isArray(reply) ? reply : []) {
    const fields = fieldsOf(item)
    const address = addressFrom(fields.get('ip') ?? '', fields.get('port') ?? '', map)
    if (address !== null) peers.push({ address, runId: runIdFrom(fields.get('runid')) })
  }
  return peers
}

/** The replies to ROLE and INFO; null when ROLE's is of no known form. */
export function parseRole(
  address: Address,
  role: unknown,
  info: unknown,
  stamp: Stamp,
  map: AddressMap,
): RoleEvidence | null {
  if (!Array.isArray(role)) return null
  const fields = infoFields(info)
  const failover = fields.get('master_failover_state') ?? 'no-failover'
  const common = {
    kind: 'role' as const,
    ...stamp,
    address,
    runId: runIdFrom(fields.get('run_id')),
    handingOver: failover !== 'no-failover',
  }
  switch (role[0]) {
    case 'master':
      return { ...common, role: 'master', offset: Number(role[1]), master: null, linkUp: true }
    case 'slave':
      return {
        ...common,
        role: 'slave',
        offset: Number(role[4]),
        master: addressFrom(String(role[1]), String(role[2]), map),
        linkUp: role[3] === 'connected',
      }
    case 'sentinel':
      return { ...common, role: 'sentinel', offset: 0, master: null, linkUp: false }
    default:
      return null
  }
}
