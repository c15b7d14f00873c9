import { parseAddress } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import type { Terms } from '../../../src/ctl/context.ts'
import type { Entry, NodeSeen, Observation, SentinelSeen } from '../../../src/ctl/observation.ts'

export function at(port: number): Address {
  const address = parseAddress(`10.0.0.1:${port}`)
  if (address === null) throw new Error('no address')
  return address
}

/** Servers without passwords, which call each other as we do. */
export const terms: Terms = { auth: null, addressMap: new Map() }

/** The nodes call the first one 172.18.0.1:6379. */
export const behindNat: Partial<Terms> = { addressMap: new Map([['172.18.0.1:6379', at(1)]]) }

export function node(port: number, follows: number | null, more: Partial<NodeSeen> = {}): NodeSeen {
  const role = {
    kind: 'role',
    at: 100,
    wall: 100,
    address: at(port),
    role: follows === null ? 'master' : 'slave',
    offset: 10,
    runId: `run-${port}`,
    master: follows === null ? null : at(follows),
    linkUp: true,
    handingOver: false,
  } as const
  return { address: at(port), trouble: null, role, keys: 0, priority: 100, ...more }
}

export function deadNode(port: number): NodeSeen {
  return { address: at(port), trouble: 'ECONNREFUSED', role: null, keys: 0, priority: 0 }
}

export function entry(port: number, flags = 'slave', downMs = 0): Entry {
  return { address: at(port), flags, downMs }
}

export const settings = {
  quorum: 2,
  downAfterMs: 5_000,
  failoverTimeoutMs: 60_000,
  parallelSyncs: 1,
} as const

/** A sentinel that watches `master`; null: it does not know the group. */
export function sentinel(
  port: number,
  master: number | null,
  more: Partial<SentinelSeen> & { readonly flags?: readonly string[] } = {},
): SentinelSeen {
  const { flags = ['master'], ...rest } = more
  const named = master === null ? null : at(master)
  const facts = named === null ? null : { address: named, runId: `run-${master ?? 0}`, flags }
  const times = { configEpoch: 3, downAfterMs: 5_000, failoverTimeoutMs: 60_000 }
  return {
    address: at(port),
    trouble: null,
    poll: {
      kind: 'poll',
      at: 100,
      wall: 100,
      sentinel: at(port),
      askedAt: 100,
      runId: `sentinel-${port}`,
      tilt: false,
      before: named,
      after: named,
      master: facts === null ? null : { ...facts, ...times },
      replicas: [],
      peers: [],
    },
    settings: named === null ? null : settings,
    replicas: [],
    peers: [],
    ...rest,
  }
}

export function silent(port: number): SentinelSeen {
  const nothing = { poll: null, settings: null, replicas: [], peers: [] }
  return { address: at(port), trouble: 'ECONNREFUSED', ...nothing }
}

export function group(sentinels: readonly SentinelSeen[], nodes: readonly NodeSeen[]): Observation {
  return { group: 'mm', sentinels, nodes }
}
