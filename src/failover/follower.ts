import { addressKey, sameAddress, type Address } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import { deferred } from '../base/deferred.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import { socketsRead } from '../base/turn.ts'
import type { Generation } from '../dispatcher.ts'
import type { Gate, HoldReason } from './gate.ts'
import type { Symptom } from './symptoms.ts'

/** Opens all that is needed to speak to one master; rejects with a ProxyError when it is none. */
export type OpenGeneration = (address: Address) => Promise<Generation>

/** Times in milliseconds. */
export interface FollowerOptions {
  /** How long commands on the wire of the old master may still be answered when a switch comes. */
  readonly switchGraceMs: number
  /** Makes ready a master to which the gate is about to open. Takes a bounded time, never rejects. */
  readonly prepare: (generation: Generation) => Promise<unknown>
  /** Is somebody there who would tell of a change of master? */
  readonly isViewLive: () => boolean
}

/** What the follower reports; each line once per event, for logs. */
export interface FollowerObserver {
  onSwitch(from: Generation | null, to: Generation): void
  onResume(generation: Generation): void
  onAttemptFailed(address: string, cause: string): void
}

const firstPauseMs = 25
const longestPauseMs = 500
const inFlightPollMs = 5

/**
 * Leads the gate: it knows the master that the view names, opens a generation for it, and decides
 * when the gate holds and when it is let go. It never decides who is master; that is the vote's.
 *
 * A hold ends in one of two ways: the view names another master and a generation for it stands, or
 * the same server proves that it still is the master and nobody says that a failover is under way.
 */
export class Follower {
  readonly #gate: Gate
  readonly #open: OpenGeneration
  readonly #options: FollowerOptions
  readonly #clock: Clock
  readonly #observer: FollowerObserver
  #master: Address | null = null
  #current: Generation | null = null
  /** The one before, once its links are cut and until the next is there. */
  #left: Generation | null = null
  /** The current generation's server has refused commands as a node that is no master. */
  #refused = false
  readonly #holds = new Map<string, () => void>()
  /** To whom the gate was opened last. */
  #admitted: { readonly address: string; readonly at: number } | null = null
  /** How often in a row the data path met a symptom right after that. */
  #inVain = 0
  #mustRest = false
  #seeking = false
  #closed = false
  #changed = deferred<null>()

  constructor(
    gate: Gate,
    open: OpenGeneration,
    options: FollowerOptions,
    clock: Clock,
    observer: FollowerObserver,
  ) {
    this.#gate = gate
    this.#open = open
    this.#options = options
    this.#clock = clock
    this.#observer = observer
  }

  get current(): Generation | null {
    return this.#current
  }

  /** The view names this master. Unknown (null) changes nothing: what works goes on working. */
  follow(master: Address | null): void {
    if (master === null) return
    const moved = this.#master === null || !sameAddress(this.#master, master)
    this.#master = master
    if (!moved) return
    this.#endHolds()
    this.#gate.hold('switch')
    this.#wake()
  }

  /** A failover is under way: no write may be acknowledged by a master about to be rolled back. */
  hold(id: string, reason: HoldReason, ttlMs: number): void {
    this.#holds.get(id)?.()
    this.#expireAt(id, this.#clock.now() + ttlMs)
    this.#gate.hold(reason)
    this.#wake()
  }

  /** A timer that was set just after this process stood still counts from before that. */
  #expireAt(id: string, time: number): void {
    const cancel = this.#clock.after(time - this.#clock.now(), () => {
      if (this.#clock.now() < time) this.#expireAt(id, time)
      else this.release(id)
    })
    this.#holds.set(id, cancel)
  }

  release(id: string): void {
    const cancel = this.#holds.get(id)
    if (cancel === undefined) return
    cancel()
    this.#holds.delete(id)
    this.#wake()
  }

  /** The data path has met a link that broke or a reply that no master gives. */
  symptom(symptom: Symptom, generation: Generation | null): void {
    if (generation === this.#current) {
      if (symptom !== 'link-lost') this.#refused = true
      const openMs = this.#clock.now() - (this.#admitted?.at ?? 0)
      this.#inVain = openMs < longestPauseMs ? this.#inVain + 1 : 0
      this.#mustRest = true
    }
    this.#wake()
  }

  close(cause: ProxyError): void {
    this.#closed = true
    this.#endHolds()
    this.#wake()
    this.#current?.destroy(cause)
  }

  get holds(): readonly string[] {
    return [...this.#holds.keys()]
  }

  #endHolds(): void {
    for (const cancel of this.#holds.values()) cancel()
    this.#holds.clear()
  }

  #wake(): void {
    this.#changed.resolve(null)
    this.#changed = deferred()
    if (this.#seeking || this.#closed) return
    this.#seeking = true
    void this.#seek().finally(() => {
      this.#seeking = false
      if (!this.#closed && this.#isShut()) this.#wake()
    })
  }

  #isShut(): boolean {
    const { name } = this.#gate.state
    return name === 'holding' || name === 'failfast'
  }

  /** Works until the gate is open again. One at a time. */
  async #seek(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!this.#closed && this.#isShut()) {
      const master = this.#master
      // a hold is about the master that is named: not even a gate that is just beginning opens to it
      if (master === null || this.#holds.size > 0) {
        await this.#changed.promise
        continue
      }
      const restMs = this.#takeRest(master)
      if (restMs > 0) {
        await this.#pause(restMs)
        continue
      }
      try {
        if (this.#isSame(master)) await this.#resume(master)
        else await this.#switchTo(master)
        pauseMs = firstPauseMs
      } catch (thrown) {
        this.#observer.onAttemptFailed(addressKey(master), reasonOf(thrown))
        await this.#pause(pauseMs)
        pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      }
    }
  }

  #admit(generation: Generation): void {
    this.#admitted = { address: generation.address, at: this.#clock.now() }
    this.#gate.admit(generation)
  }

  /** A master that passes every check and breaks at once, again and again, is left in peace first. */
  #takeRest(master: Address): number {
    const times = this.#admitted?.address === addressKey(master) ? this.#inVain : 0
    if (times < 2 || !this.#mustRest) return 0
    this.#mustRest = false
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (times - 2))
  }

  #isSame(master: Address): boolean {
    return this.#current !== null && this.#current.address === addressKey(master)
  }

  /** The master is the one we have: open again if it still is the same server and a master. */
  async #resume(master: Address): Promise<void> {
    const generation = this.#current
    if (generation === null) return
    try {
      await generation.verify()
    } catch (thrown) {
      if (thrown instanceof ProxyError && thrown.code === 'NOT_MASTER') this.#refused = true
      throw thrown
    } finally {
      if (this.#refused) await this.#leave(generation)
    }
    if (this.#refused || !this.#stillWanted(master) || this.#holds.size > 0) return
    this.#admit(generation)
    this.#observer.onResume(generation)
  }

  /**
   * A master that was restarted is a master for some seconds more, whoever was promoted meanwhile.
   * Unless somebody who would know of that says that it still is the one, it is left alone.
   */
  #mustKnow(master: Address): void {
    if (this.#admitted?.address !== addressKey(master) || this.#options.isViewLive()) return
    throw new ProxyError('FEED', 'another process is at its address, and no monitor is heard')
  }

  async #switchTo(master: Address): Promise<void> {
    this.#mustKnow(master)
    const next = await this.#open(master)
    if (!this.#stillWanted(master) || this.#holds.size > 0) {
      next.destroy(new ProxyError('FENCED', 'another master was named, or a hold began, meanwhile'))
      return
    }
    const old = this.#current
    const left = old === null ? Promise.resolve() : this.#leave(old)
    await Promise.all([left, this.#options.prepare(next)])
    if (!this.#stillWanted(master) || this.#holds.size > 0) {
      next.destroy(new ProxyError('FENCED', 'another master was named meanwhile'))
      return
    }
    this.#current = next
    this.#refused = false
    this.#admit(next)
    this.#observer.onSwitch(this.#left, next)
    this.#left = null
  }

  /** Lets what is on the wire be answered, for a moment, then cuts every link of the generation. */
  async #leave(generation: Generation): Promise<void> {
    const until = this.#clock.now() + this.#options.switchGraceMs
    while (generation.inFlight() > 0 && this.#clock.now() < until) await this.#pause(inFlightPollMs)
    await allRead(generation)
    generation.destroy(new ProxyError('LINK_LOST', `the master moved from ${generation.address}`))
    if (this.#current !== generation) return
    this.#current = null
    this.#left = generation
  }

  #stillWanted(master: Address): boolean {
    return !this.#closed && this.#master !== null && sameAddress(this.#master, master)
  }

  async #pause(ms: number): Promise<void> {
    const rested = deferred<null>()
    const cancel = this.#clock.after(ms, () => {
      rested.resolve(null)
    })
    await Promise.race([rested.promise, this.#changed.promise])
    cancel()
  }
}

/**
 * What the server has answered by now is read, however late this process is: after a stall its timers
 * come before its sockets.
 */
async function allRead(generation: Generation): Promise<void> {
  for (let before = Infinity, now = generation.inFlight(); now > 0 && now < before;) {
    before = now
    await socketsRead()
    now = generation.inFlight()
  }
}
