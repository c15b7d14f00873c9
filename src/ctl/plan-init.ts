import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { defaultSettings, follow, keep, wantedSettings, watch } from './actions.ts'
import type { Action } from './actions.ts'
import type { Terms } from './context.ts'
import { nodeAt } from './observation.ts'
import type { NodeSeen, Observation, Settings } from './observation.ts'

export interface InitWish extends Terms {
  readonly nodes: readonly Address[]
  readonly master: Address | null
  readonly settings: Partial<Settings>
}

export type InitPlan =
  | { readonly refused: readonly string[] }
  | { readonly refused: null; readonly master: Address; readonly actions: readonly Action[] }

/** Pure: what makes one group of these nodes and sentinels, or every reason why that must not be. */
export function planInit(seen: Observation, wish: InitWish): InitPlan {
  const troubles = [...seen.sentinels, ...seen.nodes]
    .filter(({ trouble }) => trouble !== null)
    .map(({ address, trouble }) => `${addressKey(address)} cannot be asked: ${trouble ?? ''}`)
  if (troubles.length > 0) return { refused: troubles }
  const choice = chooseMaster(seen, wish)
  if ('refused' in choice) return choice
  const { master } = choice
  const others = seen.nodes.filter(
    ({ address }) => isIn(wish.nodes, address) && !sameAddress(address, master),
  )
  const losing = others.filter((node) => wouldLose(node, master))
  if (losing.length > 0) {
    return {
      refused: losing.map(
        (node) =>
          `${holding(node)} that ${addressKey(master)} does not have; they would be lost: save or flush them first, or name this node with --master`,
      ),
    }
  }
  const fallback = defaultSettings(seen.sentinels.length)
  const settings = wantedSettings(seen.sentinels, wish.settings, fallback)
  if (settings.quorum > seen.sentinels.length) {
    const have = String(seen.sentinels.length)
    return { refused: [`a quorum of ${String(settings.quorum)} of ${have} sentinels is never met`] }
  }
  return { refused: null, master, actions: actionsFor(seen, wish, master, others, settings) }
}

function actionsFor(
  seen: Observation,
  wish: InitWish,
  master: Address,
  others: readonly NodeSeen[],
  settings: Settings,
): readonly Action[] {
  const actions: Action[] = []
  if (nodeAt(seen, master)?.role?.role === 'slave') {
    const command = ['REPLICAOF', 'NO', 'ONE'] as const
    actions.push({ to: 'node', at: master, command, why: 'is to be the master' }, keep(master))
  }
  for (const { address, role } of others) {
    const current = role?.master ?? null
    if (sameAddress(current, master)) continue
    const why = current === null ? 'is a master' : `follows ${addressKey(current)}`
    actions.push(...follow(address, master, why, wish))
  }
  for (const sentinel of seen.sentinels) {
    actions.push(...watch(sentinel, seen.group, master, settings, wish))
  }
  return actions
}

/** The one that the sentinels watch, that was named, that others follow, that has data; the first. */
function chooseMaster(
  seen: Observation,
  { nodes, master }: InitWish,
): { readonly master: Address } | { readonly refused: readonly string[] } {
  const watched = seen.sentinels.flatMap(({ address, poll }) => {
    const named = poll?.after ?? null
    return named === null ? [] : [{ sentinel: addressKey(address), named }]
  })
  const [first] = watched
  if (first !== undefined) {
    const wanted = master ?? first.named
    const others = watched.filter(({ named }) => !sameAddress(named, wanted) || !isIn(nodes, named))
    if (others.length === 0) return { master: wanted }
    const names = others.map(({ sentinel, named }) => `${sentinel} names ${addressKey(named)}`)
    return { refused: [`${seen.group} exists and has another master: ${names.join(', ')}`] }
  }
  if (master !== null) {
    return isIn(nodes, master)
      ? { master }
      : { refused: [`${addressKey(master)} is not one of the nodes`] }
  }
  const own = seen.nodes.filter(({ address }) => isIn(nodes, address))
  const followed = own.filter(({ address }) =>
    own.some(({ role }) => sameAddress(role?.master ?? null, address)),
  )
  if (followed.length > 1) {
    const names = followed.map(({ address }) => addressKey(address)).join(', ')
    return { refused: [`several nodes have replicas: ${names}; say which is right with --master`] }
  }
  const full = own.filter(({ keys, role }) => keys > 0 && role?.role === 'master')
  if (followed.length === 0 && full.length > 1) {
    const names = full.map(holding).join('; ')
    return { refused: [`${names}; say with --master which one is right, and flush the others`] }
  }
  const chosen = followed[0]?.address ?? full[0]?.address ?? nodes[0]
  return chosen === undefined ? { refused: ['no nodes are given'] } : { master: chosen }
}

/** Becoming a replica empties a node: of a copy that is no loss. */
export function wouldLose(node: NodeSeen, master: Address): boolean {
  return node.keys > 0 && !sameAddress(node.role?.master ?? null, master)
}

export function holding({ address, keys }: NodeSeen): string {
  return `${addressKey(address)} holds ${String(keys)} keys`
}

function isIn(list: readonly Address[], address: Address): boolean {
  return list.some((each) => sameAddress(each, address))
}
