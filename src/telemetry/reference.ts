import type { Totals } from './metric-table.ts'
import { metricTable } from './metric-table.ts'
import { metricPrefix } from './metrics.ts'
import { ControlPlaneCounters, DataPlaneCounters } from './counters.ts'

const head = `# Metrics

\`GET /metrics\` on the admin address, in the text format of Prometheus. With several workers the numbers
are the sums over all of them, also over those that have ended: a counter never goes back while \`up\` runs.
Every label has a closed list of values, and each is there from the start with 0, so that \`rate()\` sees the
first event.

## The law of conservation

Every command that was taken from a client has exactly one fate:

\`\`\`
sum(commands_total) = replies_total + sum(refused_total) + in_doubt_total + dropped_total + in_flight + held
\`\`\`

At rest \`in_flight\` and \`held\` are 0. If the two sides differ for longer than a scrape, a command was lost
in the proxy: that is a defect worth reporting.

## What to watch

| alert | expression |
|---|---|
| commands wait | \`switchmaster_held > 0\` for longer than the hold window |
| writes in doubt | \`increase(switchmaster_in_doubt_total[5m]) > 0\` |
| refused | \`sum(rate(switchmaster_refused_total[5m])) > 0\` |
| the sentinels are silent | \`switchmaster_discovery_age_seconds > 30\` |
| slow clients are closed | \`increase(switchmaster_client_disconnects_total{reason="output-limit"}[15m]) > 0\` |
| the event loop is late | \`nodejs_eventloop_lag_p99_seconds > 0.1\` |

## All metrics

Beside these there are \`switchmaster_build_info{version}\` and the usual \`process_*\` and \`nodejs_*\` metrics of
the process that answers.

This file is made from \`src/telemetry/metric-table.ts\` (\`npm run docs\`); a test compares the two.
`

/** docs/metrics.md, made from the table. */
export function metricsReference(): string {
  const totals: Totals = { data: new DataPlaneCounters(), control: new ControlPlaneCounters() }
  const rows = metricTable.map((spec) => {
    const values =
      'readSet' in spec
        ? Object.keys(spec.readSet(totals))
            .map((value) => `\`${value}\``)
            .join(' ')
        : ''
    const label = 'readSet' in spec ? `{${spec.label}}` : ''
    return `| \`${metricPrefix}${spec.name}${label}\` | ${spec.type} | ${spec.help} | ${values} |`
  })
  return [
    head,
    '| metric | type | meaning | label values |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
