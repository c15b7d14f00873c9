import type { ControlPlaneCounters, DataPlaneCounters } from './counters.ts'
import type { Histogram } from './histogram.ts'

/** What a metric is read from: the sums over all workers, and the monitor's counters. */
export interface Totals {
  readonly data: DataPlaneCounters
  readonly control: ControlPlaneCounters
}

type Numbers = Readonly<Record<string, number>>

/** One metric: how it is named, what it means, and where its value stands. */
export type MetricSpec =
  | {
      readonly type: 'gauge' | 'counter'
      readonly name: string
      readonly help: string
      readonly read: (totals: Totals) => number
    }
  | {
      readonly type: 'gauge' | 'counter'
      readonly name: string
      readonly help: string
      readonly label: string
      readonly readSet: (totals: Totals) => Numbers
    }
  | {
      readonly type: 'histogram'
      readonly name: string
      readonly help: string
      readonly readHistogram: (totals: Totals) => Histogram
    }

const gauge = (name: string, help: string, read: (t: Totals) => number): MetricSpec => ({
  type: 'gauge',
  name,
  help,
  read,
})
const counter = (name: string, help: string, read: (t: Totals) => number): MetricSpec => ({
  type: 'counter',
  name,
  help,
  read,
})

function labelled(
  type: 'gauge' | 'counter',
  name: string,
  label: string,
  help: string,
  readSet: (totals: Totals) => Numbers,
): MetricSpec {
  return { type, name, label, help, readSet }
}

/** Every metric of switchmaster; the prefix `switchmaster_` is added on export. */
export const metricTable: readonly MetricSpec[] = [
  gauge('clients', 'Client connections that are open.', (t) => t.data.clients),
  counter(
    'client_connections_total',
    'Client connections accepted.',
    (t) => t.data.clientConnections,
  ),
  labelled(
    'counter',
    'client_disconnects_total',
    'reason',
    'Client connections that ended.',
    (t) => t.data.clientDisconnects,
  ),
  labelled(
    'counter',
    'commands_total',
    'route',
    'Complete requests taken from clients, by the way they went.',
    (t) => t.data.commands,
  ),
  counter(
    'replies_total',
    'Commands answered by the master, or by us as the server would have.',
    (t) => t.data.replies,
  ),
  labelled(
    'counter',
    'refused_total',
    'reason',
    'Commands answered with an error of ours; they were not executed.',
    (t) => t.data.refused,
  ),
  counter(
    'in_doubt_total',
    'Commands answered with INDOUBT: the outcome is unknown.',
    (t) => t.data.inDoubt,
  ),
  counter('dropped_total', 'Commands whose client left before the answer.', (t) => t.data.dropped),
  gauge('in_flight', 'Commands sent and not answered yet.', (t) => t.data.inFlight),
  gauge('held', 'Commands that wait for a master.', (t) => t.data.held),
  gauge('held_bytes', 'Bytes of the commands that wait for a master.', (t) => t.data.heldBytes),
  labelled(
    'counter',
    'holds_total',
    'reason',
    'Times that commands began to be held, by what was seen first.',
    (t) => t.data.holds,
  ),
  {
    type: 'histogram',
    name: 'hold_seconds',
    help: 'From the first moment of a hold until its last command was sent or refused.',
    readHistogram: (t) => t.data.holdSeconds,
  },
  labelled(
    'counter',
    'replayed_total',
    'class',
    'Commands sent again on a new link, by what allowed it.',
    (t) => t.data.replayed,
  ),
  counter(
    'switches_total',
    'Changes of master that were followed, summed over workers.',
    (t) => t.data.switches,
  ),
  gauge(
    'generation',
    'Number of the current set of links; one more with each switch.',
    (t) => t.data.generation,
  ),
  gauge(
    'config_epoch',
    'Config-epoch of the master that is followed.',
    (t) => t.control.configEpoch,
  ),
  gauge('leases', 'Exclusive links held by sessions.', (t) => t.data.leases),
  labelled(
    'counter',
    'leases_total',
    'reason',
    'Exclusive links given to sessions.',
    (t) => t.data.leasesTaken,
  ),
  labelled(
    'gauge',
    'upstream_links',
    'kind',
    'Links to the master that are open.',
    (t) => t.data.upstreamLinks,
  ),
  labelled(
    'counter',
    'upstream_reconnects_total',
    'reason',
    'Links that had to be opened anew.',
    (t) => t.data.upstreamReconnects,
  ),
  {
    type: 'histogram',
    name: 'command_seconds',
    help: 'From a complete request to the last byte of its reply, waits included.',
    readHistogram: (t) => t.data.commandSeconds,
  },
  labelled('gauge', 'sentinels', 'state', 'Sentinels known.', (t) => t.control.sentinels),
  labelled(
    'counter',
    'evidence_total',
    'source',
    'Observations about the group.',
    (t) => t.control.evidence,
  ),
  gauge(
    'discovery_age_seconds',
    'Since a sentinel last confirmed the master.',
    (t) => t.control.discoveryAgeSeconds,
  ),
  counter('client_bytes_in_total', 'Bytes read from clients.', (t) => t.data.clientBytesIn),
  counter('client_bytes_out_total', 'Bytes written to clients.', (t) => t.data.clientBytesOut),
  counter('upstream_bytes_in_total', 'Bytes read from the master.', (t) => t.data.upstreamBytesIn),
  counter(
    'upstream_bytes_out_total',
    'Bytes written to the master.',
    (t) => t.data.upstreamBytesOut,
  ),
]
