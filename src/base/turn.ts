/** Something with bytes to write once the current turn of the event loop has been worked off. */
export interface Flushable {
  flush(): void
}

/**
 * Collects who has output during one callback, so that the replies of one turn reach each client
 * in one write. `begin` and `end` bracket a callback; outside of one, a microtask ends the turn.
 */
export class Turn {
  #depth = 0
  readonly #waiting: (Flushable | undefined)[] = []
  #count = 0
  #scheduled = false

  begin(): void {
    this.#depth++
  }

  add(item: Flushable): void {
    this.#waiting[this.#count++] = item
    if (this.#depth === 0 && !this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => {
        this.#scheduled = false
        this.#flush()
      })
    }
  }

  end(): void {
    if (--this.#depth === 0) this.#flush()
  }

  #flush(): void {
    // a flush may cause another to be added
    for (let i = 0; i < this.#count; i++) {
      const item = this.#waiting[i]
      this.#waiting[i] = undefined
      item?.flush()
    }
    this.#count = 0
  }
}

/** Resolves once the event loop has looked at every socket since the call. */
export function socketsRead(): Promise<void> {
  // the first may come right behind a look that is under way, the second has a whole one before it
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
