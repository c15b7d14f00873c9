import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { keep, perform } from './actions.ts'
import type { CtlContext, Verb } from './context.ts'
import { isDown, judge, nodeAt } from './observation.ts'
import type { Observation } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { addressIn } from './options.ts'
import { objectionToReset, refuse, resetOneByOne } from './reset.ts'

/** A sentinel that was not reset in time may have made it a replica again: then once more. */
const attempts = 4

export const removeReplica: Verb = {
  name: 'remove-replica',
  summary: 'ends the replication of a node and lets every sentinel forget it',
  words: '<host:port>',
  flags: [['--force', 'also the last replica']],
  async run(context) {
    const address = addressIn(context.words[0] ?? '', 'remove-replica')
    const name = addressKey(address)
    const servers = new Servers(context)
    try {
      const sentinels = await knownSentinels(context)
      const look = (): Promise<Observation> => servers.observe(sentinels, [address])
      let seen = await look()
      const objection = objectionToRemoval(context, seen, address)
      if (objection !== null) throw refuse(objection)
      const reset = new Set<string>()
      for (let attempt = 0; !isGone(seen, address); attempt++) {
        if (attempt === attempts) throw refuse(`${name} is made a replica again and again`)
        await leave(context, servers, seen, address)
        const knowing = seen.sentinels.filter(({ replicas }) => isIn(replicas, address))
        const targets = knowing.map((sentinel) => sentinel.address)
        await resetOneByOne(context, servers, targets, [address])
        for (const target of targets) reset.add(addressKey(target))
        seen = await look()
      }
      const answers = nodeAt(seen, address)?.trouble === null
      const now = answers ? 'it is a master of its own now' : 'it was dead'
      return {
        facts: { group: context.group, removed: name, reset: [...reset] },
        lines: [`${name} is no member of ${context.group} any more; ${now}`],
      }
    } finally {
      servers.close()
    }
  },
}

function objectionToRemoval(
  { group, options }: CtlContext,
  seen: Observation,
  address: Address,
): string | null {
  const { master } = judge(seen)
  const name = addressKey(address)
  if (sameAddress(master, address)) return `${name} is the master: failover first`
  const objection = objectionToReset(seen, master)
  if (objection !== null) return objection
  const listed = seen.sentinels.some(({ replicas }) => isIn(replicas, address))
  const follows = sameAddress(nodeAt(seen, address)?.role?.master ?? null, master)
  if (!listed && !follows) return `${name} is no replica of ${group}`
  const others = seen.sentinels
    .flatMap(({ replicas }) => replicas)
    .filter((entry) => !isDown(entry) && !sameAddress(entry.address, address))
  if (others.length > 0 || options.has('force')) return null
  return `${name} is the last replica: without it nothing can take the master's place (--force)`
}

/** Stops replicating, so that the master does not name it to the sentinels any more. */
async function leave(
  context: CtlContext,
  servers: Servers,
  seen: Observation,
  address: Address,
): Promise<void> {
  const node = nodeAt(seen, address)
  if (node?.role?.role !== 'slave') return
  const command = ['REPLICAOF', 'NO', 'ONE'] as const
  const stop = { to: 'node', at: address, command, why: 'is to leave' } as const
  await perform(servers, [stop, keep(address)], context.progress)
}

function isGone(seen: Observation, address: Address): boolean {
  const node = nodeAt(seen, address)
  const replicates = node?.role?.role === 'slave'
  return !replicates && !seen.sentinels.some(({ replicas }) => isIn(replicas, address))
}

function isIn(entries: readonly { readonly address: Address }[], address: Address): boolean {
  return entries.some((entry) => sameAddress(entry.address, address))
}
