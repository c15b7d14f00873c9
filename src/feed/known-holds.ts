import type { InForce } from './messages.ts'

/** The holds that one run of a monitor told of and whose end has not been heard, by group. */
export class KnownHolds {
  #instance: string | null = null
  readonly #groups = new Map<string, Set<number>>()

  begun(group: string, id: number): void {
    const ids = this.#groups.get(group) ?? new Set<number>()
    this.#groups.set(group, ids.add(id))
  }

  ended(group: string, id: number): void {
    this.#groups.get(group)?.delete(id)
  }

  /** Another master: that has ended every hold of the group. */
  switched(group: string): void {
    this.#groups.delete(group)
  }

  /**
   * Which holds of the group ended while the feed was away, as its snapshot shows. Another run of a
   * monitor (or one that does not tell) need not know of a failover yet: its silence ends no hold.
   */
  missed(group: string, inForce: InForce | undefined): readonly number[] {
    const instance = inForce?.instance ?? null
    if (instance === null || instance !== this.#instance) {
      this.#instance = instance
      this.#groups.clear()
      return []
    }
    const over = [...(this.#groups.get(group) ?? [])].filter((id) => !inForce?.holds.includes(id))
    for (const id of over) this.ended(group, id)
    return over
  }
}
