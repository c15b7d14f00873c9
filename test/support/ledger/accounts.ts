import type { Book } from './book.ts'

/**
 * One counter that only one client increments, one at a time. Knows from the values that come back
 * whether an acknowledged increment was lost or one took effect twice.
 */
export class CounterAccount {
  readonly key: string
  readonly #owner: string
  readonly #book: Book
  readonly #ackedAt = new Map<number, number>()
  #base = 0
  #doubts = 0

  constructor(owner: string, key: string, book: Book) {
    this.#owner = owner
    this.key = key
    this.#book = book
  }

  /** An increment was answered with `value`. */
  acked(value: number): void {
    this.#observe(value, 1)
    this.#ackedAt.set(value, performance.now())
    this.#base = value
    this.#doubts = 0
  }

  /** An increment may or may not have been executed. */
  doubted(): void {
    this.#doubts += 1
  }

  /** The value that the surviving master holds at the end. */
  audit(value: number): void {
    this.#observe(value, 0)
  }

  #observe(value: number, own: number): void {
    const most = this.#base + own + this.#doubts
    for (let n = most + 1; n <= value; n += 1) this.#book.duplicated.push(`${this.key} at ${n}`)
    for (let n = value - own + 1; n <= this.#base; n += 1) {
      const ackedAt = this.#ackedAt.get(n)
      if (ackedAt === undefined) continue
      this.#book.lost.push({ owner: this.#owner, what: `${this.key}=${n}`, ackedAt })
      this.#ackedAt.delete(n)
    }
  }
}

/** One key that only one client sets, to `<owner>:<n>` with growing n. */
export class RegisterAccount {
  readonly key: string
  readonly #owner: string
  readonly #book: Book
  readonly #ackedAt = new Map<number, number>()
  readonly #doubts = new Set<number>()
  #last = 0

  constructor(owner: string, key: string, book: Book) {
    this.#owner = owner
    this.key = key
    this.#book = book
  }

  acked(n: number): void {
    this.#ackedAt.set(n, performance.now())
    this.#last = n
    this.#doubts.clear()
  }

  doubted(n: number): void {
    this.#doubts.add(n)
  }

  /** The value that a GET showed; null when the key does not exist. */
  read(value: string | null): void {
    const [owner, text] = (value ?? `${this.#owner}:0`).split(':')
    if (owner !== this.#owner) {
      this.#book.wrongOwner.push(`${this.#owner} read ${value ?? 'nil'}`)
      return
    }
    const n = Number(text)
    if (n > this.#last && !this.#doubts.has(n)) {
      this.#book.impossible.push(`${this.key} is ${n}, last acknowledged ${this.#last}`)
    }
    for (let lost = n + 1; lost <= this.#last; lost += 1) {
      const ackedAt = this.#ackedAt.get(lost)
      if (ackedAt === undefined) continue
      this.#book.lost.push({ owner: this.#owner, what: `${this.key}=${lost}`, ackedAt })
      this.#ackedAt.delete(lost)
    }
    this.#last = n
    // What was in doubt and was seen is known now; what was in doubt and not seen stays out.
    this.#doubts.clear()
  }
}

/** A queue between one producer and one consumer: each element in order, once. */
export class QueueAccount {
  readonly key: string
  readonly #owner: string
  readonly #book: Book
  readonly #ackedAt = new Map<number, number>()
  readonly #deliveredAt = new Map<number, number>()
  readonly #sent = new Set<number>()
  #latest = 0
  #popsInDoubt = 0

  constructor(owner: string, key: string, book: Book) {
    this.#owner = owner
    this.key = key
    this.#book = book
  }

  pushing(n: number): void {
    this.#sent.add(n)
  }

  pushed(n: number): void {
    this.#ackedAt.set(n, performance.now())
  }

  /** Refused with the promise that it was not executed. */
  refused(n: number): void {
    this.#sent.delete(n)
  }

  popDoubted(): void {
    this.#popsInDoubt += 1
  }

  popped(element: string): void {
    const [owner, text] = element.split(':')
    const n = Number(text)
    if (owner !== this.#owner) {
      this.#book.wrongOwner.push(`${this.#owner} popped ${element}`)
      return
    }
    const now = performance.now()
    const before = this.#deliveredAt.get(n)
    if (before !== undefined) this.#again(n, before, now)
    else if (!this.#sent.has(n))
      this.#book.impossible.push(`${this.key} delivered ${n}, never sent`)
    else if (n < this.#latest) this.#book.impossible.push(`${this.key}: ${n} after ${this.#latest}`)
    this.#deliveredAt.set(n, now)
    this.#latest = Math.max(this.#latest, n)
  }

  /** A second delivery over a change of master is a pop that the new master never heard of. */
  #again(n: number, before: number, now: number): void {
    if (!this.#book.markedBetween(before, now)) {
      this.#book.duplicated.push(`${this.key} delivered ${n} twice`)
      return
    }
    this.#book.lost.push({ owner: this.#owner, what: `${this.key} pop ${n}`, ackedAt: before })
  }

  /** `left` is what the surviving master still holds. */
  audit(left: readonly string[]): void {
    const kept = new Set(left.map((element) => Number(element.split(':')[1])))
    let excused = this.#popsInDoubt
    for (const [n, ackedAt] of this.#ackedAt) {
      if (this.#deliveredAt.has(n) || kept.has(n)) continue
      if (excused > 0) {
        excused -= 1
        this.#book.popsLost += 1
      } else this.#book.lost.push({ owner: this.#owner, what: `${this.key} push ${n}`, ackedAt })
    }
  }
}
