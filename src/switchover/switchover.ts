import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { GateReport } from '../feed/messages.ts'
import type { View } from '../topology/view.ts'
import { isAtRest, serves, whyNotAtRest } from './data-planes.ts'
import type { NodeState } from './fitness.ts'
import { lacks } from './fitness.ts'
import type { PlannedHold } from './planned-holds.ts'
import type { SentinelWord } from './witnesses.ts'

/** What a switchover sees and does; the servers come in as `Witnesses`. */
export interface SwitchoverDeps {
  readonly clock: Clock
  readonly log: Log
  view(): View
  /** A failover that was announced by the sentinels is under way. */
  isFailingOver(): boolean
  planes(): readonly GateReport[]
  hold(ttlMs: number): PlannedHold
  release(hold: PlannedHold): void
  readonly witnesses: {
    sentinel(sentinel: Address, master: Address): Promise<SentinelWord>
    node(address: Address): Promise<NodeState>
    failOver(sentinel: Address): Promise<void>
  }
}

/** A switchover that was done. Times in milliseconds since the hold began. */
export interface SwitchoverReport {
  readonly group: string
  readonly from: string
  readonly to: string
  readonly configEpoch: number
  /** The master's offset when nothing was in flight any more; every candidate had it. */
  readonly offset: number
  readonly dataPlanes: number
  /** Data planes that do not serve from the new master yet. */
  readonly late: readonly string[]
  readonly ms: {
    readonly atRest: number
    readonly inStep: number
    readonly switched: number
    readonly served: number
  }
}

const lookEveryMs = 5
const askAgainMs = 10
/** A hold outlives its switchover by so much, in case that the monitor dies meanwhile. */
const spareMs = 1_000
/** The signs of a failover that was accepted must show up within, and not be gone for longer than. */
const givenUpMs = 3_000

/**
 * The lossless change of master: everybody holds, what is on the wire is answered, every replica
 * that could be promoted has all of it, and only then a sentinel is asked. What goes wrong before
 * that ends the hold and changes nothing. Rejects with a ProxyError REFUSED that says why.
 */
export class Switchover {
  readonly #deps: SwitchoverDeps
  readonly #timeoutMs: number
  readonly #startedAt: number
  readonly #before: View

  constructor(timeoutMs: number, deps: SwitchoverDeps) {
    this.#deps = deps
    this.#timeoutMs = timeoutMs
    this.#startedAt = deps.clock.now()
    this.#before = deps.view()
  }

  async run(): Promise<SwitchoverReport> {
    const { deps, master } = this.#begin()
    const word = await this.#willing(master)
    const hold = deps.hold(Math.ceil(this.#leftMs()) + spareMs)
    const heldAt = deps.clock.now()
    const since = (): number => Math.round(deps.clock.now() - heldAt)
    try {
      const dataPlanes = await this.#atRest(hold)
      const atRest = since()
      const offset = await this.#inStep(master, word.sentinel)
      const inStep = since()
      this.#stillHeld(hold, dataPlanes)
      await this.#ask(word.sentinel)
      const to = await this.#switched(master)
      const switched = since()
      const late = await this.#served(to)
      return {
        group: this.#before.group,
        from: addressKey(master),
        to: addressKey(to),
        configEpoch: deps.view().configEpoch,
        offset,
        dataPlanes,
        late,
        ms: { atRest, inStep, switched, served: since() },
      }
    } catch (error) {
      deps.release(hold)
      throw error
    }
  }

  #begin(): { deps: SwitchoverDeps; master: Address } {
    const { master, provisional, group } = this.#before
    if (master === null) throw refusal(`no master of ${group} is known`)
    const isUnderWay = provisional || this.#deps.isFailingOver()
    if (isUnderWay) throw refusal(`a failover of ${group} is under way`)
    if (this.#deps.planes().length === 0) {
      throw refusal('no data plane is connected to the feed: nothing could be held')
    }
    return { deps: this.#deps, master }
  }

  /** The sentinel to ask. Before the hold, so that a refusal costs nobody anything. */
  async #willing(master: Address): Promise<SentinelWord> {
    const well = this.#before.sentinels.filter(({ state }) => state === 'ok')
    const words = await Promise.all(
      well.map(({ address }) => this.#deps.witnesses.sentinel(address, master)),
    )
    const able = words
      .filter(({ objection, promotable }) => objection === null && promotable.length > 0)
      .sort((a, b) => b.promotable.length - a.promotable.length)
    if (able[0] !== undefined) return able[0]
    const why = words.map(({ sentinel, objection }) => {
      return `${addressKey(sentinel)}: ${objection ?? 'knows no replica fit to be promoted'}`
    })
    throw refusal(why.length === 0 ? 'no sentinel is well' : why.join('; '))
  }

  /** Nobody sends, nobody waits for an answer. How many data planes there are. */
  async #atRest(hold: PlannedHold): Promise<number> {
    for (;;) {
      const planes = this.#deps.planes()
      if (planes.length > 0 && planes.every((plane) => isAtRest(plane, hold.id))) {
        return planes.length
      }
      const busy = planes.filter((plane) => !isAtRest(plane, hold.id))
      this.#inTime(() => busy.map((plane) => whyNotAtRest(plane, hold.id)).join('; '))
      await this.#pause(lookEveryMs)
    }
  }

  /** Every replica that the sentinel might promote has what the master had when all was at rest. */
  async #inStep(master: Address, sentinel: Address): Promise<number> {
    const { witnesses } = this.#deps
    const origin = await this.#node(master)
    if (!origin.isAsked) throw refusal(`the master cannot be asked: ${origin.reason}`)
    if (origin.role !== 'master') throw refusal(`the master says that it is a ${origin.role}`)
    const { runId } = this.#before
    if (runId !== null && runId !== origin.runId) throw refusal('the master was restarted')
    for (;;) {
      const { objection, promotable } = await witnesses.sentinel(sentinel, master)
      if (objection !== null) throw refusal(`${addressKey(sentinel)}: ${objection}`)
      if (promotable.length === 0) throw refusal('no replica is fit to be promoted')
      const missing = await Promise.all(
        promotable.map(async ({ address }) => {
          return lacks(address, await this.#node(address), origin)
        }),
      )
      const reasons = missing.filter((reason) => reason !== null)
      if (reasons.length === 0) return origin.offset
      this.#inTime(() => reasons.join('; '))
      await this.#pause(askAgainMs)
    }
  }

  /** A node's word, if it comes in time. */
  async #node(address: Address): Promise<NodeState> {
    let cancel = (): void => undefined
    const late = new Promise<NodeState>((resolve) => {
      cancel = this.#deps.clock.after(this.#leftMs(), () => {
        resolve({ isAsked: false, reason: 'no answer' })
      })
    })
    try {
      return await Promise.race([this.#deps.witnesses.node(address), late])
    } finally {
      cancel()
    }
  }

  /** A sentinel that does not answer may have heard: that is found out as if it had agreed. */
  async #ask(sentinel: Address): Promise<void> {
    try {
      await this.#deps.witnesses.failOver(sentinel)
    } catch (error) {
      if (!(error instanceof ProxyError) || error.code === 'REFUSED') throw error
    }
  }

  /** The last look before the step that cannot be taken back. */
  #stillHeld(hold: PlannedHold, count: number): void {
    this.#inTime(() => 'the last step came too late')
    const planes = this.#deps.planes()
    const busy = planes.find((plane) => !isAtRest(plane, hold.id))
    if (busy !== undefined) throw refusal(whyNotAtRest(busy, hold.id))
    if (planes.length < count) throw refusal('a data plane has left meanwhile')
    const { master } = this.#deps.view()
    if (!sameAddress(master, this.#before.master)) throw refusal('the master has just changed')
    if (this.#deps.isFailingOver()) throw refusal('a failover has just begun')
  }

  /** From here on the sentinels decide. What they do is seen as with any failover. */
  async #switched(from: Address): Promise<Address> {
    const { clock } = this.#deps
    let signAt = clock.now()
    for (;;) {
      const { master } = this.#deps.view()
      if (master !== null && !sameAddress(master, from)) return master
      if (this.#deps.isFailingOver()) signAt = clock.now()
      else if (clock.now() - signAt > givenUpMs) {
        throw refusal('the sentinel accepted, but then gave the failover up')
      }
      this.#inTime(() => {
        return 'the sentinel accepted, but no new master was found; should it go on, the gates follow it'
      })
      await this.#pause(lookEveryMs)
    }
  }

  /** Those that do not serve in time are named; the switch itself is done. */
  async #served(master: Address): Promise<readonly string[]> {
    for (;;) {
      const late = this.#deps.planes().filter((plane) => !serves(plane, addressKey(master)))
      if (late.length === 0 || this.#leftMs() <= 0) {
        return late.map(({ worker, pid, state }) => {
          return `worker ${String(worker)} (pid ${String(pid)}): ${state}`
        })
      }
      await this.#pause(lookEveryMs)
    }
  }

  #leftMs(): number {
    return Math.max(0, this.#startedAt + this.#timeoutMs - this.#deps.clock.now())
  }

  #inTime(why: () => string): void {
    if (this.#leftMs() > 0) return
    throw refusal(`not done within ${String(this.#timeoutMs)} ms: ${why()}`)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.clock.after(ms, resolve)
    })
  }
}

function refusal(message: string): ProxyError {
  return new ProxyError('REFUSED', message)
}
