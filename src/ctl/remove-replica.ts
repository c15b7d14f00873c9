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
const attempts = 3
const astrayEveryMs = 1_000
/** Ports on which nobody listens for Redis. */
const lastDeadPort = 8

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
      const leaving = new Leaving(context, servers, address)
      for (let attempt = 0; !isGone(seen, address); attempt++) {
        if (attempt === attempts) throw refuse(`${name} is made a replica again and again`)
        const isAlive = nodeAt(seen, address)?.trouble === null
        const astray = (): Promise<void> => (isAlive ? leaving.astray() : Promise.resolve())
        await astray()
        const knowing = seen.sentinels.filter(({ replicas }) => isIn(replicas, address))
        const targets = knowing.map((sentinel) => sentinel.address)
        await resetOneByOne(context, servers, targets, [address], astray)
        if (isAlive) await leaving.free()
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

/**
 * Lets a node stop replicating without anybody making it a replica again. One that says it is a
 * master is converted by every sentinel that still knows it, after 8 s; one that follows another
 * master only when it has followed the same one for the whole failover-timeout (sentinel.c:
 * sentinelRefreshInstanceInfo, which reads INFO every 10 s). So it follows nobody, by ever another name.
 */
class Leaving {
  readonly #context: CtlContext
  readonly #servers: Servers
  readonly #address: Address
  #turn = 0
  #lastAt = -Infinity

  constructor(context: CtlContext, servers: Servers, address: Address) {
    this.#context = context
    this.#servers = servers
    this.#address = address
  }

  async astray(): Promise<void> {
    const now = this.#context.clock.now()
    if (now - this.#lastAt < astrayEveryMs) return
    this.#lastAt = now
    this.#turn = (this.#turn % lastDeadPort) + 1
    const { nodes } = this.#servers
    await nodes.askOne(this.#address, 'REPLICAOF', '127.0.0.1', String(this.#turn))
  }

  async free(): Promise<void> {
    const command = ['REPLICAOF', 'NO', 'ONE'] as const
    const stop = { to: 'node', at: this.#address, command, why: 'has left' } as const
    await perform(this.#servers, [stop, keep(this.#address)], this.#context.progress)
  }
}

function isGone(seen: Observation, address: Address): boolean {
  const node = nodeAt(seen, address)
  const replicates = node?.role?.role === 'slave'
  return !replicates && !seen.sentinels.some(({ replicas }) => isIn(replicas, address))
}

function isIn(entries: readonly { readonly address: Address }[], address: Address): boolean {
  return entries.some((entry) => sameAddress(entry.address, address))
}
