import { addressKey } from '../base/address.ts'
import type { View } from '../topology/view.ts'
import type { CtlContext, Verb } from './context.ts'
import { judge } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { viewIn } from './status.ts'

export const why: Verb = {
  name: 'why',
  summary: 'the sentence that explains why this node is taken for the master',
  flags: [],
  async run(context) {
    const view = viewIn(await context.door.state(), context.group) ?? (await look(context))
    const master = view.master === null ? null : addressKey(view.master)
    const { configEpoch, provisional } = view
    const facts = { group: context.group, master, configEpoch, provisional, why: view.why }
    return { facts, lines: [view.why] }
  },
}

/** Without a proxy: the same vote on one look at the sentinels. */
async function look(context: CtlContext): Promise<View> {
  const servers = new Servers(context)
  try {
    return judge(await servers.observe(await knownSentinels(context)))
  } finally {
    servers.close()
  }
}
