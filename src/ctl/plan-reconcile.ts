import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { View } from '../topology/view.ts'
import { defaultSettings, follow, wantedSettings, watch } from './actions.ts'
import type { Action } from './actions.ts'
import type { Terms } from './context.ts'
import { isDown, isFailingOver, listedReplicas, nodeAt } from './observation.ts'
import type { Entry, Observation, SentinelSeen, Settings } from './observation.ts'

export interface ReconcileWish extends Terms {
  /** The sentinels of the configuration: these are never taken for dead. */
  readonly sentinels: readonly Address[]
  readonly settings: Partial<Settings>
  /** What has been down for so long, and answers nobody, is forgotten. */
  readonly deadAfterMs: number
}

export interface ReconcilePlan {
  readonly refused: string | null
  readonly actions: readonly Action[]
  /** Sentinels that must forget entries, which only SENTINEL RESET does: one after another. */
  readonly resets: readonly { readonly at: Address; readonly why: string }[]
  /** What is seen and not acted upon, and why. */
  readonly notes: readonly string[]
}

/** Pure: the steps from what is to what should be. Twice the same look, the same plan. */
export function planReconcile(seen: Observation, view: View, wish: ReconcileWish): ReconcilePlan {
  const empty = { actions: [], resets: [], notes: [] }
  if (view.master === null) return { ...empty, refused: `no master can be told: ${view.why}` }
  if (isFailingOver(seen)) return { ...empty, refused: 'a failover is under way: wait for its end' }
  const { master } = view
  const nodes = nodeSteps(seen, master, wish)
  const sentinels = sentinelSteps(seen, master, wish)
  const resets = seen.sentinels.flatMap((sentinel) => {
    const dead = deadEntries(seen, sentinel, wish).map(({ address }) => addressKey(address))
    if (dead.length === 0) return []
    return [{ at: sentinel.address, why: `remembers ${dead.join(', ')}, dead for long` }]
  })
  return {
    refused: null,
    actions: [...nodes.actions, ...sentinels.actions],
    resets,
    notes: [...nodes.notes, ...sentinels.notes],
  }
}

interface Steps {
  readonly actions: readonly Action[]
  readonly notes: readonly string[]
}

/** Replicas that follow the wrong master. A second master is Sentinel's to convert, not ours. */
function nodeSteps(seen: Observation, master: Address, terms: Terms): Steps {
  const actions: Action[] = []
  const notes: string[] = []
  for (const address of listedReplicas(seen)) {
    if (sameAddress(address, master)) continue
    const node = nodeAt(seen, address)
    const role = node?.role ?? null
    const name = addressKey(address)
    if (role === null) notes.push(`${name} cannot be asked: ${node?.trouble ?? 'no answer'}`)
    else if (role.role === 'master') {
      notes.push(`${name} says that it is a master: the sentinels make it a replica by themselves`)
    } else if (!sameAddress(role.master, master)) {
      const why = `follows ${role.master === null ? 'nobody' : addressKey(role.master)}`
      actions.push(...follow(address, master, why, terms))
    } else if (!role.linkUp) notes.push(`${name} has no link to its master`)
  }
  return { actions, notes }
}

function sentinelSteps(seen: Observation, master: Address, wish: ReconcileWish): Steps {
  const fallback = defaultSettings(seen.sentinels.length)
  const wanted = wantedSettings(seen.sentinels, wish.settings, fallback)
  const actions: Action[] = []
  const notes: string[] = []
  if (wanted.quorum > seen.sentinels.length) {
    notes.push(`a quorum of ${String(wanted.quorum)} is more than there are sentinels`)
  }
  for (const sentinel of seen.sentinels) {
    const name = addressKey(sentinel.address)
    const named = sentinel.poll?.after ?? null
    if (sentinel.trouble !== null) notes.push(`${name} cannot be asked: ${sentinel.trouble}`)
    else if (named !== null && !sameAddress(named, master)) {
      notes.push(`${name} names ${addressKey(named)}: it learns better from the others' hellos`)
    } else actions.push(...watch(sentinel, seen.group, master, wanted, wish))
  }
  return { actions, notes }
}

function deadEntries(seen: Observation, sentinel: SentinelSeen, wish: ReconcileWish): Entry[] {
  const isDead = (entry: Entry): boolean => isDown(entry) && entry.downMs >= wish.deadAfterMs
  const answers = (address: Address): boolean =>
    [...seen.nodes, ...seen.sentinels].some(
      (each) => each.trouble === null && sameAddress(each.address, address),
    )
  const isOurs = (address: Address): boolean =>
    wish.sentinels.some((each) => sameAddress(each, address))
  return [
    ...sentinel.replicas.filter((entry) => isDead(entry) && !answers(entry.address)),
    ...sentinel.peers.filter(
      (entry) => isDead(entry) && !answers(entry.address) && !isOurs(entry.address),
    ),
  ]
}
