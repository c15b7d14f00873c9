import type { AdminSource } from '../admin/admin-source.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Part } from './part.ts'

/** The admin door of one part that runs in this process, without a supervisor. */
export function aloneSource(name: string, part: Part, version: string): AdminSource {
  const startedAt = performance.now()
  return {
    metrics: createMetrics(
      { data: () => listOf(part.counters().data), control: () => listOf(part.counters().control) },
      version,
    ),
    notReady: () => part.notReady(),
    state: () => {
      const reason = part.notReady()
      return {
        version,
        pid: process.pid,
        uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
        ready: reason === null,
        notReady: reason,
        [name]: part.state(),
      }
    },
    actions: part.actions,
  }
}

function listOf<T>(value: T | null): readonly T[] {
  return value === null ? [] : [value]
}
