import { dig } from './admin-door.ts'
import type { Verb } from './context.ts'

export const release: Verb = {
  name: 'release',
  summary: 'ends every hold that an operator began',
  flags: [],
  async run({ door, group }) {
    const answer = await door.act('release', { group }, 0)
    const report = dig(answer, 'done', 0, 'groups', 0) ?? dig(answer, 'groups', 0)
    const count = Number(dig(report, 'released'))
    return {
      facts: { ...(report as object) },
      lines: [`${group}: ${count === 0 ? 'nothing was held' : `${String(count)} released`}`],
    }
  },
}
