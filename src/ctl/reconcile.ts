import { addressKey } from '../base/address.ts'
import { perform, sentence } from './actions.ts'
import { termsOf } from './context.ts'
import type { Verb } from './context.ts'
import { judge } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { planReconcile } from './plan-reconcile.ts'
import type { ReconcilePlan } from './plan-reconcile.ts'
import { objectionToReset, refuse, resetOneByOne } from './reset.ts'
import { settingsFlags, settingsIn } from './settings-flags.ts'
import { waitFor } from './wait.ts'

const defaultDeadAfterMs = 600_000
/** A sentinel that was just told of the group finds the others by their hellos. */
const settledWithinMs = 30_000

export const reconcile: Verb = {
  name: 'reconcile',
  summary: 'compares the group with what it should be; shows the plan, or applies it',
  flags: [
    ['--apply', 'do it'],
    ['--dead-after <duration>', 'forget what has been down for so long [10m]'],
    ...settingsFlags,
  ],
  async run(context) {
    const servers = new Servers(context)
    const sentinels = await knownSentinels(context)
    const deadAfterMs = context.options.duration('deadAfter') ?? defaultDeadAfterMs
    const settings = settingsIn(context.options)
    const wish = { sentinels, settings, deadAfterMs, ...termsOf(context) }
    const look = async (): Promise<ReconcilePlan> => {
      const seen = await servers.observe(sentinels)
      const view = judge(seen)
      const plan = planReconcile(seen, view, wish)
      const refused = plan.resets.length > 0 ? objectionToReset(seen, view.master) : null
      return { ...plan, refused: plan.refused ?? refused }
    }
    try {
      const plan = await look()
      if (plan.refused !== null) throw refuse(plan.refused)
      const applied = context.options.has('apply')
      if (applied) {
        await perform(servers, plan.actions, context.progress)
        const targets = plan.resets.map(({ at }) => at)
        await resetOneByOne(context, servers, targets)
        await waitFor(context.clock, settledWithinMs, async () => {
          const left = stepsOf(await look())
          return left[0] ?? null
        })
      }
      const steps = stepsOf(plan)
      const facts = { group: context.group, applied, steps, notes: plan.notes }
      const nothing = steps.length === 0 ? ['nothing to do'] : []
      const hint = applied || steps.length === 0 ? [] : ['--apply does it']
      const notes = plan.notes.map((note) => `note: ${note}`)
      return { facts, lines: [...nothing, ...steps, ...notes, ...hint] }
    } finally {
      servers.close()
    }
  },
}

function stepsOf({ actions, resets }: ReconcilePlan): readonly string[] {
  const forget = resets.map(({ at, why }) => `${addressKey(at)}: SENTINEL RESET (${why})`)
  return [...actions.map(sentence), ...forget]
}
