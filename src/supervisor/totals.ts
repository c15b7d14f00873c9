import { addCounters, ControlPlaneCounters, DataPlaneCounters } from '../telemetry/counters.ts'
import type { Report } from './part.ts'

/**
 * What processes that have ended had counted, so that no counter goes back when one is started
 * again. Its gauges are 0: what it had in flight or held was dropped with its clients.
 */
export class EndedTotals {
  readonly data = new DataPlaneCounters()
  readonly control = new ControlPlaneCounters()

  add(last: Report | null): void {
    if (last?.data) {
      addCounters(this.data, last.data)
      const { data } = this
      data.dropped += data.inFlight + data.held
      Object.assign(data, { clients: 0, inFlight: 0, held: 0, heldBytes: 0, leases: 0 })
      for (const kind of Object.keys(data.upstreamLinks)) {
        Object.assign(data.upstreamLinks, { [kind]: 0 })
      }
    }
    if (last?.control) {
      addCounters(this.control, last.control)
      for (const state of Object.keys(this.control.sentinels)) {
        Object.assign(this.control.sentinels, { [state]: 0 })
      }
      this.control.discoveryAgeSeconds = 0
    }
  }
}
