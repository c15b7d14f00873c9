import { addressKey, sameAddress } from '../base/address.ts'
import { follow, perform, sentence } from './actions.ts'
import { termsOf } from './context.ts'
import type { Verb } from './context.ts'
import { isDown, isFailingOver, judge, nodeAt } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { addressIn } from './options.ts'
import { holding, wouldLose } from './plan-init.ts'
import { refuse } from './reset.ts'
import { waitFor } from './wait.ts'

const joinedWithinMs = 60_000

export const addReplica: Verb = {
  name: 'add-replica',
  summary: 'makes a node a replica of the master; refuses where it holds other data',
  words: '<host:port>',
  flags: [],
  async run(context) {
    const address = addressIn(context.words[0] ?? '', 'add-replica')
    const name = addressKey(address)
    const servers = new Servers(context)
    try {
      const sentinels = await knownSentinels(context)
      const seen = await servers.observe(sentinels, [address])
      const { master, why: verdict } = judge(seen)
      if (master === null) throw refuse(`no master can be told: ${verdict}`)
      if (isFailingOver(seen)) throw refuse('a failover is under way: wait for its end')
      if (sameAddress(master, address)) throw refuse(`${name} is the master`)
      const node = nodeAt(seen, address)
      if (node?.role == null) throw refuse(`${name} cannot be asked: ${node?.trouble ?? ''}`)
      if (wouldLose(node, master)) {
        throw refuse(`${holding(node)} of its own; they would be lost: save or flush them first`)
      }
      const isOurs = sameAddress(node.role.master, master)
      const why = 'is to be a replica'
      const actions = isOurs ? [] : follow(address, master, why, termsOf(context))
      await perform(servers, actions, context.progress)
      await waitFor(context.clock, joinedWithinMs, async () => {
        const { role } = await servers.node(address)
        if (role?.linkUp !== true) return `${name} has no link to its master yet`
        for (const sentinel of seen.sentinels.filter(({ trouble }) => trouble === null)) {
          const { replicas } = await servers.sentinel(sentinel.address)
          const entry = replicas.find((each) => sameAddress(each.address, address))
          if (entry !== undefined && !isDown(entry)) continue
          return `${addressKey(sentinel.address)} does not know ${name} yet`
        }
        return null
      })
      const facts = { group: context.group, replica: name, done: actions.map(sentence) }
      return { facts, lines: [`${name} is a replica of ${addressKey(master)}`] }
    } finally {
      servers.close()
    }
  },
}
