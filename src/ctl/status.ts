import { addressKey, sameAddress } from '../base/address.ts'
import type { CtlContext, Outcome, Verb } from './context.ts'
import { dig } from './admin-door.ts'
import { gatesIn } from './gates.ts'
import type { GateSeen } from './gates.ts'
import { judge, listedReplicas, nodeAt } from './observation.ts'
import type { Observation } from './observation.ts'
import { Servers, sentinelsIn } from './observe.ts'
import type { View } from '../topology/view.ts'
import { refuse } from './reset.ts'

/** A view as it is served by the door; plain data of our own making. */
export function viewIn(state: unknown, group: string): View | null {
  const view = dig(state, 'monitor', 'groups', group, 'view')
  return typeof dig(view, 'configEpoch') === 'number' ? (view as View) : null
}

export const status: Verb = {
  name: 'status',
  summary: 'group, master, replicas and their lag, sentinels, epochs, the gate of every data plane',
  flags: [],
  async run(context): Promise<Outcome> {
    const state = await context.door.state()
    const learned = sentinelsIn(state, context.group)
    const sentinels = context.sentinels.length > 0 ? context.sentinels : learned
    if (state === null && sentinels.length === 0) {
      throw refuse(`nobody answers at ${context.door.name}; give --admin or --sentinels`)
    }
    const servers = new Servers(context)
    try {
      const seen = await servers.observe(sentinels)
      const view = viewIn(state, context.group) ?? judge(seen)
      const facts = factsOf(context, seen, view, state)
      return { facts, lines: linesOf(facts) }
    } finally {
      servers.close()
    }
  },
}

interface ReplicaFacts {
  readonly address: string
  readonly state: string
  readonly lagBytes: number | null
  readonly priority: number | null
}

interface SentinelFacts {
  readonly address: string
  readonly state: string
  readonly names: string | null
  readonly configEpoch: number | null
  readonly quorum: number | null
}

interface StatusFacts {
  readonly group: string
  readonly master: string | null
  readonly configEpoch: number
  readonly why: string
  readonly seenBy: 'the proxy' | 'one look'
  readonly replicas: readonly ReplicaFacts[]
  readonly sentinels: readonly SentinelFacts[]
  readonly gates: readonly GateSeen[]
  readonly alarms: readonly string[]
}

function factsOf(context: CtlContext, seen: Observation, view: View, state: unknown): StatusFacts {
  const end = nodeAt(seen, view.master)?.role?.offset ?? null
  const replicas = listedReplicas(seen)
    .filter((address) => !sameAddress(address, view.master))
    .map((address): ReplicaFacts => {
      const node = nodeAt(seen, address)
      const role = node?.role ?? null
      const name = addressKey(address)
      if (role === null) {
        const reason = node?.trouble ?? 'no answer'
        return { address: name, state: reason, lagBytes: null, priority: null }
      }
      const isOurs = sameAddress(role.master, view.master)
      const follows = role.master === null ? 'nobody' : addressKey(role.master)
      const link = role.linkUp ? 'connected' : 'no link'
      const doing =
        role.role === 'master' ? 'says it is a master' : isOurs ? link : `follows ${follows}`
      const lag = end !== null && isOurs ? Math.max(0, end - role.offset) : null
      return { address: name, state: doing, lagBytes: lag, priority: node?.priority ?? null }
    })
  const sentinels = seen.sentinels.map(({ address, trouble, poll, settings }): SentinelFacts => {
    const known = view.sentinels.find((each) => sameAddress(each.address, address))
    const named = poll?.after ?? null
    return {
      address: addressKey(address),
      state: trouble ?? known?.state ?? 'ok',
      names: named === null ? null : addressKey(named),
      configEpoch: poll?.master?.configEpoch ?? null,
      quorum: settings?.quorum ?? null,
    }
  })
  const alarms = dig(state, 'monitor', 'groups', context.group, 'alarms')
  return {
    group: context.group,
    master: view.master === null ? null : addressKey(view.master),
    configEpoch: view.configEpoch,
    why: view.why,
    seenBy: viewIn(state, context.group) === null ? 'one look' : 'the proxy',
    replicas,
    sentinels,
    gates: gatesIn(state, context.group),
    alarms: Array.isArray(alarms) ? alarms.map(String) : [],
  }
}

function linesOf(facts: StatusFacts): readonly string[] {
  const { group, master, configEpoch, replicas, sentinels, gates, seenBy } = facts
  const lag = (bytes: number | null): string =>
    bytes === null ? '' : `, ${String(bytes)} B behind`
  const names = (named: string | null): string => (named === null ? '' : `, names ${named}`)
  return [
    `group ${group}, as seen by ${seenBy}`,
    `  master ${master ?? 'none'}, config-epoch ${String(configEpoch)}`,
    ...replicas.map(
      ({ address, state, lagBytes }) => `  replica ${address}: ${state}${lag(lagBytes)}`,
    ),
    ...sentinels.map(({ address, state, names: named, configEpoch: epoch }) => {
      return `  sentinel ${address}: ${state}${names(named)} at epoch ${String(epoch ?? '-')}`
    }),
    ...gates.map(
      ({ name, gate, reason, upstream, clients, held }) =>
        `  ${name}: gate ${gate}${reason === null ? '' : ` (${reason})`}, ` +
        `${String(clients ?? '?')} clients, ${String(held ?? '?')} held, to ${upstream ?? 'nobody'}`,
    ),
    ...facts.alarms.map((text) => `  alarm: ${text}`),
    `  why: ${facts.why}`,
  ]
}
