import { addressKey, sameAddress } from '../base/address.ts'
import { collect, isMajority } from './ballots.ts'
import type { PollEvidence } from './evidence.ts'
import type { VoteState } from './state.ts'

/** At most so many wait; the oldest gives way, and its asker does not wait for ever. */
const maxWaiting = 256

interface Look {
  readonly since: number
  /** The sentinels that have answered a question put since then. */
  readonly answered: Set<string>
}

/** Readers that want to know who is master now, not who was when the sentinels were last asked. */
export class Looks {
  readonly #waiting = new Map<string, Look>()

  /** From `since` (monotonic milliseconds) on, what the sentinels are asked counts. */
  begin(token: string, since: number): void {
    this.#waiting.delete(token)
    this.#waiting.set(token, { since, answered: new Set() })
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= maxWaiting) break
      this.#waiting.delete(oldest)
    }
  }

  /**
   * The looks that are done with this answer, once the vote has heard it: a majority of the sentinels,
   * each asked since then, stands by the master of the view. A sentinel in TILT has no voice.
   */
  done(poll: PollEvidence, state: VoteState): readonly string[] {
    if (this.#waiting.size === 0) return []
    const { valid, known } = collect(state)
    const { master, configEpoch } = state.view
    const standing = valid
      .filter((each) => each.configEpoch === configEpoch && sameAddress(each.address, master))
      .map(({ sentinel }) => sentinel)
    const done: string[] = []
    for (const [token, { since, answered }] of this.#waiting) {
      if (poll.askedAt >= since) answered.add(addressKey(poll.sentinel))
      const confirmed = standing.filter((sentinel) => answered.has(sentinel))
      if (isMajority(confirmed.length, known)) done.push(token)
    }
    for (const token of done) this.#waiting.delete(token)
    return done
  }
}
