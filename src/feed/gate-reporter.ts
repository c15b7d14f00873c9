import type { Clock } from '../base/clock.ts'
import type { GateReport } from './messages.ts'

/** While a hold is in force: between two looks at what is still on the wire. */
const lookEveryMs = 5

/** Tells the monitor what one gate does: at each change, and while it holds as commands end. */
export class GateReporter {
  readonly #look: () => GateReport
  readonly #send: (report: GateReport) => void
  readonly #clock: Clock
  #last = ''
  #cancel: (() => void) | null = null

  constructor(look: () => GateReport, send: (report: GateReport) => void, clock: Clock) {
    this.#look = look
    this.#send = send
    this.#clock = clock
  }

  /** The other end knows nothing yet. */
  begin(): void {
    this.#last = ''
    this.changed()
  }

  /** Something may be different now. */
  changed(): void {
    this.#cancel?.()
    this.#cancel = null
    const looked = this.#look()
    const isHeld = looked.holds.length > 0
    const report = isHeld ? looked : { ...looked, inFlight: 0 }
    const text = JSON.stringify(report)
    if (text !== this.#last) {
      this.#last = text
      this.#send(report)
    }
    if (!isHeld) return
    this.#cancel = this.#clock.after(lookEveryMs, () => {
      this.changed()
    })
  }

  close(): void {
    this.#cancel?.()
  }
}
