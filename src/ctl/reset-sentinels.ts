import { addressKey } from '../base/address.ts'
import type { Verb } from './context.ts'
import { isDown, judge } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { objectionToReset, refuse, resetOneByOne } from './reset.ts'

export const resetSentinels: Verb = {
  name: 'reset-sentinels',
  summary: 'lets the sentinels forget what is dead: SENTINEL RESET, one after another',
  flags: [],
  async run(context) {
    const servers = new Servers(context)
    try {
      const seen = await servers.observe(await knownSentinels(context))
      const objection = objectionToReset(seen, judge(seen).master)
      if (objection !== null) throw refuse(objection)
      const well = seen.sentinels.filter(({ trouble }) => trouble === null)
      const entries = well.flatMap(({ replicas, peers }) => [...replicas, ...peers])
      const dead = entries.filter(isDown).map(({ address }) => addressKey(address))
      const targets = well.map(({ address }) => address)
      await resetOneByOne(context, servers, targets)
      const forgotten = [...new Set(dead)].sort()
      const reset = targets.map(addressKey)
      const what =
        forgotten.length === 0 ? 'nothing was dead' : `forgotten: ${forgotten.join(', ')}`
      return {
        facts: { group: context.group, reset, forgotten },
        lines: [`${String(reset.length)} sentinels were reset; ${what}`],
      }
    } finally {
      servers.close()
    }
  },
}
