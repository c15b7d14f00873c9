import { runConnect, runLarge, runStalled } from './extremes.ts'
import { runFanOut, runLease, runMixed } from './loops.ts'
import type { Spec } from './spec.ts'

/** The load generator's process: what redis-benchmark cannot do. */
function run(spec: Spec): Promise<void> {
  switch (spec.what) {
    case 'mixed':
      return runMixed(spec)
    case 'lease':
      return runLease(spec)
    case 'fan-out':
      return runFanOut(spec)
    case 'connect':
      return runConnect(spec.port, spec.clients)
    case 'stalled':
      return runStalled(spec.port, spec.key, spec.requests)
    case 'large':
      return runLarge(spec.port, spec.bytes, spec.key)
  }
}

await run(JSON.parse(process.argv[2] ?? '') as Spec)
process.exit(0)
