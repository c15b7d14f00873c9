import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'
import type { CtlContext } from './context.ts'
import { isFailingOver, isDown } from './observation.ts'
import type { Observation, SentinelSeen } from './observation.ts'
import type { Servers } from './observe.ts'
import { waitFor } from './wait.ts'

/** Sentinel reads the list of replicas from the master every ten seconds, and says hello every two. */
const relearnWithinMs = 40_000

/** Why no sentinel may be reset now; null: they may. */
export function objectionToReset(seen: Observation, master: Address | null): string | null {
  if (master === null) return 'no master can be told'
  if (isFailingOver(seen)) return 'a failover is under way: a reset would cut it off'
  const well = seen.sentinels.filter(({ trouble }) => trouble === null)
  if (well.length * 2 <= seen.sentinels.length) {
    return `only ${String(well.length)} of ${String(seen.sentinels.length)} sentinels answer`
  }
  const down = well.find(({ poll }) => poll?.master?.flags.some((flag) => /down/.test(flag)))
  if (down !== undefined) return `${addressKey(down.address)} says that the master is down`
  const other = well.find(
    ({ poll }) => poll !== null && poll.after !== null && !sameAddress(poll.after, master),
  )
  return other === undefined ? null : `${addressKey(other.address)} names another master`
}

/**
 * SENTINEL RESET, one sentinel after another. Each next one only after the last has learned again
 * all that is alive: until then it could neither vote well nor lead a failover.
 */
export async function resetOneByOne(
  context: CtlContext,
  servers: Servers,
  targets: readonly Address[],
  without: readonly Address[] = [],
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (const target of targets) {
    const before = await servers.sentinel(target)
    const alive = livingEntries(before, without)
    context.progress(`${addressKey(target)}: SENTINEL RESET ${context.group}`)
    await servers.sentinels.askOne(target, 'SENTINEL', 'RESET', context.group)
    const missing = async (): Promise<string | null> => {
      const now = await servers.sentinel(target)
      if (now.trouble !== null) return now.trouble
      const known = livingEntries(now, without)
      const lost = alive.filter((each) => !known.some((other) => sameAddress(each, other)))
      return lost.length === 0 ? null : `does not know ${lost.map(addressKey).join(', ')} yet`
    }
    await waitFor(context.clock, relearnWithinMs, async () => {
      await meanwhile()
      const reason = await missing()
      return reason === null ? null : `${addressKey(target)} ${reason}`
    })
  }
}

function livingEntries({ replicas, peers }: SentinelSeen, without: readonly Address[]): Address[] {
  return [...replicas, ...peers]
    .filter((entry) => !isDown(entry))
    .map(({ address }) => address)
    .filter((address) => !without.some((each) => sameAddress(each, address)))
}

export function refuse(message: string): ProxyError {
  return new ProxyError('REFUSED', message)
}
