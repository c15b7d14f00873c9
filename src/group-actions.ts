import type { AdminAction } from './admin/admin-source.ts'
import { ProxyError } from './base/errors.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import { duration } from './config/values.ts'
import type { Monitor } from './monitor.ts'
import type { Part } from './supervisor/part.ts'
import type { Operations } from './switchover/operations.ts'

type Body = Readonly<Record<string, unknown>>

const defaultTtl = '30s'
const defaultTimeout = '10s'

/** What the admin door offers of the monitor: each verb for the groups that its body names. */
export function groupActions(config: Config, monitor: Monitor): Part['actions'] {
  const forEach = (
    run: (operations: Operations, body: Body, group: GroupConfig) => Promise<object>,
  ): AdminAction => {
    return async (body) => {
      const groups = []
      for (const group of namedGroups(config, body)) {
        groups.push(await run(monitor.operations(group.masterName), body, group))
      }
      return { groups }
    }
  }
  return {
    hold: forEach((operations, body) => operations.hold(durationIn(body, 'ttl', defaultTtl))),
    release: forEach(async (operations) => operations.release()),
    failover: forEach((operations, body, group) => {
      const wanted = durationIn(body, 'timeout', defaultTimeout)
      const downAfterMs = monitor.view(group.masterName).downAfterMs ?? 0
      return operations.failover(Math.min(wanted, holdWindowMs(group, downAfterMs)))
    }),
  }
}

/** Nobody may be told MASTERDOWN by a switchover that could still be given up. */
function holdWindowMs({ holdWindow }: GroupConfig, downAfterMs: number): number {
  return holdWindow === 'auto' ? Math.max(15_000, downAfterMs + 5_000) : holdWindow
}

function namedGroups(config: Config, { group }: Body): readonly GroupConfig[] {
  if (group === undefined) return config.groups
  const found = config.groups.filter(({ masterName }) => masterName === group)
  if (found.length > 0) return found
  const names = config.groups.map(({ masterName }) => masterName).join(', ')
  throw new ProxyError('REFUSED', `group ${JSON.stringify(group)} is not one of: ${names}`)
}

const minMs = 100
const maxMs = 3_600_000

function durationIn(body: Body, key: string, fallback: string): number {
  const { allowed, schema } = duration(minMs, maxMs)
  const read = schema.safeParse(body[key] ?? fallback)
  if (read.success) return read.data
  throw new ProxyError('REFUSED', `${key}: ${JSON.stringify(body[key])} is not ${allowed}`)
}
