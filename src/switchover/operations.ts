import type { Clock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { FeedMessage, GateReport, HoldNotice } from '../feed/messages.ts'
import type { View } from '../topology/view.ts'
import { isAtRest } from './data-planes.ts'
import { PlannedHolds } from './planned-holds.ts'
import { Switchover } from './switchover.ts'
import type { SwitchoverReport } from './switchover.ts'
import { Witnesses } from './witnesses.ts'
import type { WitnessOptions } from './witnesses.ts'

export interface OperationsDeps {
  readonly clock: Clock
  readonly log: Log
  view(): View
  /** A failover that was announced by the sentinels is under way. */
  isFailingOver(): boolean
  planes(): readonly GateReport[]
  publish(message: FeedMessage): void
}

/** What a hold has come to. */
export interface HoldReport {
  readonly group: string
  readonly ttlMs: number
  readonly dataPlanes: readonly {
    readonly worker: number
    readonly pid: number
    /** Nothing goes to the master, and nothing is on its way there. */
    readonly atRest: boolean
    readonly inFlight: number
  }[]
}

/** So long a monitor that has just begun waits for its data planes to find it. */
const settledAfterMs = 2_000
/** So long the answer to a hold waits for commands that are still on the wire. */
const restWithinMs = 1_000
const lookEveryMs = 10

/** What people may ask of one group: hold, release, and a planned change of master. */
export class Operations {
  readonly #witnessOptions: WitnessOptions
  readonly #deps: OperationsDeps
  readonly #holds: PlannedHolds
  readonly #startedAt: number
  #isSwitching = false

  constructor(witnessOptions: WitnessOptions, deps: OperationsDeps) {
    const { group } = witnessOptions
    this.#witnessOptions = witnessOptions
    this.#deps = deps
    this.#startedAt = deps.clock.now()
    this.#holds = new PlannedHolds(deps.clock, {
      onHold: (hold) => {
        deps.log.info({ group, ...hold }, 'hold')
        deps.publish({ type: 'hold', group, ...hold })
      },
      onRelease: (id, reason) => {
        deps.log.info({ group, id, reason }, 'release')
        deps.publish({ type: 'release', group, id, reason })
      },
    })
  }

  /** The planned holds in force, for a data plane that has just come. */
  notices(): readonly HoldNotice[] {
    return this.#holds.notices()
  }

  /** Every data plane keeps all commands back, until `release` or for `ttlMs`. */
  async hold(ttlMs: number): Promise<HoldReport> {
    const { clock } = this.#deps
    const planes = (): readonly GateReport[] => this.#deps.planes()
    if (planes().length === 0) {
      throw new ProxyError('REFUSED', 'no data plane is connected to the feed')
    }
    const { id } = this.#holds.hold('operator', ttlMs)
    const until = clock.now() + Math.min(restWithinMs, ttlMs)
    while (clock.now() < until && !planes().every((plane) => isAtRest(plane, id))) {
      await this.#pause(lookEveryMs)
    }
    const dataPlanes = planes().map((plane) => {
      const { worker, pid, inFlight } = plane
      return { worker, pid, atRest: isAtRest(plane, id), inFlight }
    })
    return { group: this.#witnessOptions.group, ttlMs, dataPlanes }
  }

  /** Ends the holds of operators, also those of a monitor before this one. How many. */
  release(): { readonly group: string; readonly released: number } {
    const { group } = this.#witnessOptions
    const own = this.#holds.all
    const foreign = this.#deps
      .planes()
      .flatMap(({ holds }) => holds)
      .filter((id) => id < 0 && !own.some((hold) => hold.id === id))
    const operators = own.filter(({ reason }) => reason === 'operator').map(({ id }) => id)
    const ids = new Set([...operators, ...foreign])
    for (const id of ids) this.#holds.release(id, 'operator')
    return { group, released: ids.size }
  }

  /** One at a time; see Switchover. */
  async failover(timeoutMs: number): Promise<SwitchoverReport> {
    if (this.#isSwitching) throw new ProxyError('REFUSED', 'a switchover is under way')
    this.#isSwitching = true
    const { clock, log } = this.#deps
    const witnesses = new Witnesses(this.#witnessOptions)
    try {
      const age = clock.now() - this.#startedAt
      if (age < settledAfterMs) await this.#pause(settledAfterMs - age)
      const switchover = new Switchover(timeoutMs, {
        ...this.#deps,
        witnesses,
        hold: (ttlMs) => this.#holds.hold('switchover', ttlMs),
        release: ({ id }) => {
          this.#holds.release(id, 'switchover')
        },
      })
      const report = await switchover.run()
      log.info(report, 'switchover done')
      return report
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      log.warn({ reason: error.message }, 'switchover given up')
      throw new ProxyError('REFUSED', error.message, { cause: error })
    } finally {
      witnesses.close()
      this.#isSwitching = false
    }
  }

  /** Another master: the data planes have ended all holds by themselves. */
  switched(): void {
    this.#holds.clear()
  }

  describe(): object {
    const now = this.#deps.clock.now()
    return {
      isSwitching: this.#isSwitching,
      holds: this.#holds.all.map(({ id, reason, expiresAt }) => {
        return { id, reason, leftMs: Math.round(expiresAt - now) }
      }),
      dataPlanes: this.#deps.planes(),
    }
  }

  close(): void {
    this.#holds.clear()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.clock.after(ms, resolve)
    })
  }
}
