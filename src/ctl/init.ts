import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'
import { perform, sentence } from './actions.ts'
import { termsOf } from './context.ts'
import type { CtlContext, Verb } from './context.ts'
import { isDown } from './observation.ts'
import { Servers } from './observe.ts'
import { planInit } from './plan-init.ts'
import { refuse } from './reset.ts'
import { settingsFlags, settingsIn } from './settings-flags.ts'
import { waitFor } from './wait.ts'

/** Copying the data of the master to new replicas takes its time. */
const readyWithinMs = 60_000

export const init: Verb = {
  name: 'init',
  summary: 'makes a group of the given nodes and sentinels; refuses where data would be lost',
  flags: [
    ['--nodes <host:port,…>', 'the data nodes; the first becomes the master, unless another must'],
    ['--master <host:port>', 'the node that is right, where several hold data'],
    ...settingsFlags,
  ],
  async run(context) {
    const nodes = context.options.addresses('nodes')
    if (nodes.length === 0) throw new ProxyError('CONFIG', 'nodes: none are given; give --nodes')
    if (context.sentinels.length === 0) {
      throw new ProxyError('CONFIG', 'sentinels: none are given; give --sentinels')
    }
    const servers = new Servers(context)
    try {
      const plan = planInit(await servers.observe(context.sentinels, nodes), {
        nodes,
        master: context.options.address('master'),
        settings: settingsIn(context.options),
        ...termsOf(context),
      })
      if (plan.refused !== null) throw refuse(plan.refused.join('\n'))
      const { actions, master } = plan
      await perform(servers, actions, context.progress)
      await ready(context, servers, master, nodes)
      const done = actions.map(sentence)
      const name = addressKey(master)
      const last = `${context.group}: ${name} is the master of ${String(nodes.length - 1)} replicas`
      return { facts: { group: context.group, master: name, done }, lines: [last] }
    } finally {
      servers.close()
    }
  },
}

/** Every replica is connected, and every sentinel knows all of them and all others. */
async function ready(
  context: CtlContext,
  servers: Servers,
  master: Address,
  nodes: readonly Address[],
): Promise<void> {
  await waitFor(context.clock, readyWithinMs, async () => {
    for (const address of nodes) {
      if (sameAddress(address, master)) continue
      const { role } = await servers.node(address)
      if (role?.linkUp !== true || !sameAddress(role.master, master)) {
        return `${addressKey(address)} does not follow ${addressKey(master)} yet`
      }
    }
    for (const address of context.sentinels) {
      const { replicas, peers } = await servers.sentinel(address)
      const known = [replicas, peers].map((list) => list.filter((entry) => !isDown(entry)).length)
      const wanted = [nodes.length - 1, context.sentinels.length - 1]
      if (known.some((count, index) => count < (wanted[index] ?? 0))) {
        return `${addressKey(address)} does not know all of them yet`
      }
    }
    return null
  })
}
