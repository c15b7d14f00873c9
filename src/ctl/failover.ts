import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { dig } from './admin-door.ts'
import type { CtlContext, Outcome, Verb } from './context.ts'
import { judge } from './observation.ts'
import { Servers, knownSentinels } from './observe.ts'
import { refuse } from './reset.ts'
import { waitFor } from './wait.ts'

const defaultTimeoutMs = 10_000

export const failover: Verb = {
  name: 'failover',
  summary: 'planned and lossless change of master, by the running proxy',
  flags: [
    ['--timeout <duration>', 'give up and change nothing after this time [10s]'],
    ['--force', 'only SENTINEL FAILOVER: no hold, what is on its way may be lost'],
  ],
  async run(context): Promise<Outcome> {
    const timeoutMs = context.options.duration('timeout') ?? defaultTimeoutMs
    if (context.options.has('force')) return force(context, timeoutMs)
    const { group } = context
    const answer = await context.door.act(
      'failover',
      { group, timeout: `${String(timeoutMs)}ms` },
      timeoutMs,
    )
    const report = dig(answer, 'done', 0, 'groups', 0) ?? dig(answer, 'groups', 0)
    const [from, to, ms] = ['from', 'to', 'ms'].map((key) => dig(report, key))
    const late = dig(report, 'late')
    const lines = [
      `${group}: ${String(from)} → ${String(to)}, held for ${String(dig(ms, 'served'))} ms, nothing lost`,
      ...(Array.isArray(late) ? late.map((name) => `does not serve yet: ${String(name)}`) : []),
    ]
    return { facts: { done: true, ...(report as object) }, lines }
  },
}

/** What Sentinel does by itself; the proxies follow it, but nobody waits for the replicas. */
async function force(context: CtlContext, timeoutMs: number): Promise<Outcome> {
  const servers = new Servers(context)
  try {
    const sentinels = await knownSentinels(context)
    const before = judge(await servers.observe(sentinels))
    const { master } = before
    const [asked] = before.sentinels.filter(({ state }) => state === 'ok')
    if (master === null || asked === undefined) throw refuse(`no master can be told: ${before.why}`)
    await servers.sentinels.askOne(asked.address, 'SENTINEL', 'FAILOVER', context.group)
    let to: Address = master
    await waitFor(context.clock, Math.max(timeoutMs, defaultTimeoutMs), async () => {
      to = judge(await servers.observe(sentinels)).master ?? master
      return sameAddress(to, master) ? 'the sentinels have not switched' : null
    })
    const [from, next] = [master, to].map(addressKey)
    const facts = { done: true, forced: true, group: context.group, from, to: next }
    return { facts, lines: [`${context.group}: ${String(from)} → ${String(next)}, forced`] }
  } finally {
    servers.close()
  }
}
