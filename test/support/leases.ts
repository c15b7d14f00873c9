import type { Proxy } from './proxy.ts'
import { POOL_MODE } from './target.ts'
import { until } from './until.ts'

/** Links that clients have for themselves now, by reason, over all groups and workers of /state. */
export async function leases(proxy: Proxy): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  collect(await proxy.state(), found)
  return found
}

/** Resolves when no client has a link for itself, unless the mode is that each has one. */
export async function noLeases(proxy: Proxy | undefined): Promise<void> {
  if (POOL_MODE !== 'dedicated') await allGivenBack(proxy)
}

/** Resolves when no client has a link for itself, as when all have left. */
export async function allGivenBack(proxy: Proxy | undefined, withinMs = 5_000): Promise<void> {
  if (proxy === undefined) return
  const none = async (): Promise<boolean> => {
    const left = await leases(proxy)
    if (left.size > 0) throw new Error(`leases: ${JSON.stringify([...left])}`)
    return true
  }
  await until(none, { within: withinMs, what: 'no client to have a link for itself' })
}

function collect(value: unknown, found: Map<string, number>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (key !== 'leases' || typeof inner !== 'object' || inner === null) {
      collect(inner, found)
      continue
    }
    for (const [reason, count] of Object.entries(inner) as [string, unknown][]) {
      found.set(reason, (found.get(reason) ?? 0) + Number(count))
    }
  }
}
