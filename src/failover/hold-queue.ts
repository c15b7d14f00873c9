import { Deque } from '../base/deque.ts'
import type { Exchange } from '../dispatcher.ts'

/** How much may wait at the gate of one process. */
export interface HoldLimits {
  readonly maxCommands: number
  readonly maxBytes: number
}

/**
 * The commands that wait for a master, in the order in which they will be sent.
 *
 *     lost     [ l1 l2 ]      were on the wire when it broke last, oldest first
 *     replays  [ r1 r2 r3 ]   were on the wire before, and have waited since
 *     held     [ h1 h2 … ]    have not been sent at all
 *
 * Each came before anything that its own client has further down: what is lost while draining had
 * left `replays` before the rest of them. With the next draining `lost` goes in front of `replays`.
 */
export class HoldQueue {
  count = 0
  bytes = 0

  readonly #limits: HoldLimits
  readonly #lost = new Deque<Exchange>()
  readonly #replays = new Deque<Exchange>()
  readonly #held = new Deque<Exchange>()

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  /** false: full; the newest is the one that is refused. */
  hold(exchange: Exchange): boolean {
    const size = exchange.end - exchange.start
    if (this.count >= this.#limits.maxCommands || this.bytes + size > this.#limits.maxBytes) {
      return false
    }
    exchange.bytes = exchange.bytes.slice(exchange.start, exchange.end)
    exchange.start = 0
    exchange.end = size
    this.#add(this.#held, exchange)
    return true
  }

  /** Takes back a command that was sent. Never refused: its bytes are in memory already. */
  replay(exchange: Exchange): void {
    this.#add(this.#lost, exchange)
  }

  /** Room for something that waits elsewhere but counts here (the commands of a lease). */
  reserve(exchange: Exchange): boolean {
    const size = exchange.end - exchange.start
    if (this.count >= this.#limits.maxCommands || this.bytes + size > this.#limits.maxBytes) {
      return false
    }
    this.count++
    this.bytes += size
    return true
  }

  unreserve(exchange: Exchange): void {
    this.count--
    this.bytes -= exchange.end - exchange.start
  }

  /** The next to send; those whose client has gone are dropped on the way. */
  next(): Exchange | undefined {
    const lost = this.#lost.drain()
    for (let item = lost.pop(); item !== undefined; item = lost.pop()) this.#replays.unshift(item)
    return this.#next(this.#replays) ?? this.#next(this.#held)
  }

  /** Takes out every command whose deadline is not after `now`. */
  expired(now: number): Exchange[] {
    const out: Exchange[] = []
    for (const queue of [this.#lost, this.#replays, this.#held]) {
      // deadlines grow along `held`; replays may stand in any order, and are few
      const rest: Exchange[] = []
      for (let item = this.#next(queue); item !== undefined; item = this.#next(queue)) {
        if (item.deadline <= now) {
          out.push(item)
        } else if (queue === this.#held) {
          this.#putBack(queue, item)
          break
        } else {
          rest.push(item)
        }
      }
      for (const item of rest) this.#add(queue, item)
    }
    return out
  }

  /** The earliest deadline, or Infinity when nothing waits. */
  nextDeadline(): number {
    let earliest = this.#held.peek()?.deadline ?? Infinity
    for (const queue of [this.#lost, this.#replays]) {
      for (let i = 0; i < queue.size; i++) {
        earliest = Math.min(earliest, queue.at(i)?.deadline ?? Infinity)
      }
    }
    return earliest
  }

  #add(queue: Deque<Exchange>, exchange: Exchange): void {
    queue.push(exchange)
    this.count++
    this.bytes += exchange.end - exchange.start
  }

  #putBack(queue: Deque<Exchange>, exchange: Exchange): void {
    queue.unshift(exchange)
    this.count++
    this.bytes += exchange.end - exchange.start
  }

  #next(queue: Deque<Exchange>): Exchange | undefined {
    for (;;) {
      const exchange = queue.shift()
      if (exchange === undefined) return undefined
      this.count--
      this.bytes -= exchange.end - exchange.start
      if (!exchange.abandoned) return exchange
    }
  }
}
