import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { expect, it } from 'vitest'
import type { LeaseReason, ReplayClass } from '../../../src/routing/traits.ts'
import {
  addCounters,
  ControlPlaneCounters,
  DataPlaneCounters,
  labels,
} from '../../../src/telemetry/counters.ts'
import { observe } from '../../../src/telemetry/histogram.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { metricsReference } from '../../../src/telemetry/reference.ts'

function scrape(...data: DataPlaneCounters[]): Promise<string> {
  return createMetrics(
    { data: () => data, control: () => [new ControlPlaneCounters()] },
    '1.2.3',
  ).scrape()
}

it('names every metric that interface and operators rely on, from the start', async () => {
  const text = await scrape(new DataPlaneCounters())
  const names = `clients client_connections_total commands_total replies_total in_flight held
    held_bytes holds_total hold_seconds refused_total replayed_total in_doubt_total switches_total
    generation config_epoch leases leases_total upstream_links upstream_reconnects_total
    command_seconds sentinels evidence_total discovery_age_seconds client_disconnects_total`
  for (const name of names.split(/\s+/)) expect(text).toContain(`# TYPE switchmaster_${name} `)
  expect(text).toContain('switchmaster_commands_total{route="lane"} 0\n')
  expect(text).toContain('switchmaster_leases_total{reason="no-evict"} 0\n')
  expect(text).toContain('switchmaster_build_info{version="1.2.3"} 1\n')
})

it('adds up the workers', async () => {
  const [a, b] = [new DataPlaneCounters(), new DataPlaneCounters()]
  a.commands.lane = 3
  b.commands.lane = 4
  a.generation = 2
  b.generation = 3
  observe(a.commandSeconds, 0.0002)
  observe(b.commandSeconds, 0.3)
  observe(b.commandSeconds, 99)
  // What arrives from another process is plain JSON.
  const text = await scrape(a, JSON.parse(JSON.stringify(b)) as DataPlaneCounters)
  expect(text).toContain('switchmaster_commands_total{route="lane"} 7\n')
  expect(text).toContain('switchmaster_generation 3\n')
  expect(text).toContain('switchmaster_command_seconds_bucket{le="0.00025"} 1\n')
  expect(text).toContain('switchmaster_command_seconds_bucket{le="0.5"} 2\n')
  expect(text).toContain('switchmaster_command_seconds_bucket{le="+Inf"} 3\n')
  expect(text).toContain('switchmaster_command_seconds_count 3\n')
  expect(text).toContain('switchmaster_command_seconds_sum 99.3002\n')
})

it('shows the value of the moment at each scrape', async () => {
  const counters = new DataPlaneCounters()
  const metrics = createMetrics({ data: () => [counters], control: () => [] }, '0')
  counters.replies = 5
  expect(await metrics.scrape()).toContain('switchmaster_replies_total 5\n')
  counters.replies = 6
  expect(await metrics.scrape()).toContain('switchmaster_replies_total 6\n')
})

it('leaves the added counters as they were', () => {
  const [sum, part] = [new DataPlaneCounters(), new DataPlaneCounters()]
  part.holds.manual = 2
  addCounters(sum, part)
  addCounters(sum, part)
  expect(sum.holds.manual).toBe(4)
  expect(part.holds.manual).toBe(2)
})

it('knows the reasons and classes of routing, no more and no fewer', () => {
  const reasons: Record<LeaseReason, true> = Object.fromEntries(
    labels.lease.map((reason) => [reason, true]),
  ) as Record<(typeof labels.lease)[number], true>
  expect(Object.keys(reasons)).toHaveLength(labels.lease.length)
  type Missing = Exclude<LeaseReason, (typeof labels.lease)[number]>
  const none: Missing[] = []
  type MissingClass = Exclude<ReplayClass, (typeof labels.replay)[number] | 'never'>
  const noClass: MissingClass[] = []
  expect([...none, ...noClass]).toEqual([])
})

it('docs/metrics.md is what the table says (npm run docs)', async () => {
  const path = 'docs/metrics.md'
  const options = await resolveConfig(path)
  const made = await format(metricsReference(), { ...options, filepath: path })
  expect(readFileSync(path, 'utf8')).toBe(made)
})
