/**
 * A first-in first-out queue over one ring of slots: no allocation per item once it has grown.
 *
 *     slots  [ c  d  .  .  .  a  b ]      head → a, size 4
 *                  ^tail      ^head
 */
export class Deque<T> {
  #slots: (T | undefined)[] = new Array<T | undefined>(16)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item
    this.#size++
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#slots.length - 1)
    this.#slots[this.#head] = item
    this.#size++
  }

  peek(): T | undefined {
    return this.#slots[this.#head]
  }

  /** The item at `index` from the head, 0 being the next to leave. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#size) return undefined
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)]
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#size--
    if (this.#size === 0) {
      this.#head = 0 // the slots in use stay the same few
      if (this.#slots.length > 1024) this.#slots = new Array<T | undefined>(16)
    }
    return item
  }

  /** Takes everything out, oldest first. */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  #grow(): void {
    const old = this.#slots
    const slots = new Array<T | undefined>(old.length * 2)
    for (let i = 0; i < this.#size; i++) slots[i] = old[(this.#head + i) & (old.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
