import type { Exchange, Generation } from '../dispatcher.ts'

/** So long after a master has proved itself, what scripts say of it is taken for their own words. */
const believedMs = 5_000

/** A reply that would be a proof, had a script not been able to say it. */
interface Doubt {
  readonly reply: Uint8Array
  readonly generation: Generation | null
}

/**
 * Scripts that were answered as by a node that is no master. A server says so before the first
 * write of a script and never after one, but a script may say the same after it has written. So
 * the command waits, with its reply, until it is known what the node is: no master, then nothing
 * was written and it is sent again; the same master, then the reply was the script's.
 */
export class ScriptDoubts {
  readonly #doubts = new Map<Exchange, Doubt>()
  #believedUntil = -Infinity

  /** true: the exchange must wait. `generation` is the one that answered. */
  add(exchange: Exchange, reply: Uint8Array, generation: Generation | null, now: number): boolean {
    if (exchange.body !== 'whole' || now < this.#believedUntil) return false
    this.#doubts.set(exchange, { reply, generation })
    return true
  }

  /** Gives the reply that was kept, if there is one. */
  answer(exchange: Exchange): boolean {
    const doubt = this.#doubts.get(exchange)
    if (doubt === undefined) return false
    this.#doubts.delete(exchange)
    exchange.onReply(doubt.reply, 0, doubt.reply.length, true)
    exchange.abandoned = true // where it waits, it is not sent
    return true
  }

  /** `generation` is the master from here on. Returns how many were proved not to have run. */
  settle(generation: Generation, now: number): number {
    for (const [exchange, doubt] of this.#doubts) {
      if (doubt.generation !== generation) continue
      this.#believedUntil = now + believedMs
      this.answer(exchange)
    }
    const proved = this.#doubts.size
    this.#doubts.clear()
    return proved
  }
}
