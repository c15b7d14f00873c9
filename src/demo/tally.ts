/** What the clients of the demonstration have seen, in one book. */
export class Tally {
  acked = 0
  inDoubt = 0
  /** Told that there is no master, or no room to wait: not executed. */
  refused = 0
  /** Other errors, by their text. */
  readonly errors = new Map<string, number>()
  /** Acknowledged writes that are not there any more. */
  lost = 0
  /** Writes that took effect more often than they were sent. */
  duplicated = 0
  /** Transactions of which a part took effect without the rest. */
  torn = 0
  dropped = 0
  longestStallMs = 0
  published = 0
  /** Messages that a subscriber was told of, over all subscribers. */
  heard = 0

  /** Enters an error reply; true: the command may have been executed. */
  failed(text: string): boolean {
    const code = text.split(' ', 1)[0] ?? ''
    if (code === 'INDOUBT') this.inDoubt++
    else if (code === 'MASTERDOWN' || code === 'TRYAGAIN') this.refused++
    else this.errors.set(text, (this.errors.get(text) ?? 0) + 1)
    return code === 'INDOUBT'
  }

  waited(ms: number): void {
    this.longestStallMs = Math.max(this.longestStallMs, ms)
  }

  get errorCount(): number {
    return [...this.errors.values()].reduce((sum, count) => sum + count, 0)
  }
}

/** One counter that only one client increments: from its values follows what was lost or doubled. */
export class Counter {
  readonly key: string
  readonly #tally: Tally
  #acked = 0
  #doubts = 0

  constructor(key: string, tally: Tally) {
    this.key = key
    this.#tally = tally
  }

  /** An increment was answered with `value`. */
  acknowledge(value: number): void {
    this.#look(value, this.#acked + 1)
    this.#acked = value
    this.#doubts = 0
  }

  doubt(): void {
    this.#doubts++
  }

  /** The value at the end, read from the master itself. */
  audit(value: number): void {
    this.#look(value, this.#acked)
  }

  #look(value: number, least: number): void {
    if (value < least) this.#tally.lost += least - value
    this.#tally.duplicated += Math.max(0, value - least - this.#doubts)
  }
}

/** A list with one producer and one consumer: every element once, in order. */
export class Queue {
  readonly key: string
  readonly #tally: Tally
  readonly #pushed = new Set<number>()
  readonly #popped = new Set<number>()

  constructor(key: string, tally: Tally) {
    this.key = key
    this.#tally = tally
  }

  push(n: number): void {
    this.#pushed.add(n)
  }

  /** An element that comes twice was popped on a master that is gone: that pop was lost. */
  pop(n: number): void {
    if (this.#popped.has(n)) this.#tally.lost++
    this.#popped.add(n)
  }

  audit(left: readonly number[]): void {
    for (const n of left) this.#popped.add(n)
    this.#tally.lost += [...this.#pushed].filter((n) => !this.#popped.has(n)).length
  }
}
