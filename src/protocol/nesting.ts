import { limits } from './resp.ts'

/** What an open aggregate is to the one around it. */
const counted = 0
/** An attribute, or an out-of-band push: it comes between the elements and is none. */
const uncounted = 1
/** A push within an aggregate whose first element, which decides what it is, has not come. */
const undecided = 2

/** First elements of the pushes that a server (up to 7.0) writes into the middle of a reply. */
const outOfBandKinds = ['message', 'pmessage', 'smessage', 'invalidate', 'tracking-redir-broken']
const kinds = outOfBandKinds.map((kind) => Buffer.from(kind))
const longestKind = Math.max(...kinds.map((kind) => kind.length))

/** Levels kept from one frame to the next; deeper ones are rare and give their memory back. */
const keptLevels = 64
const firstLevels = 16

const noLefts = new Float64Array(0)
const noRoles = new Uint8Array(0)
const noKind = new Uint8Array(0)

/** The aggregates that are open while a frame is read, and what each still lacks. */
export class Nesting {
  depth = 0
  /** Elements that are missing, by level. Beyond 2^32 for a hostile length, hence not integers. */
  #left = noLefts
  #roles = noRoles
  /** The beginning of the first element of an undecided push. */
  #kind = noKind
  #kindLength = 0

  /** An aggregate of `elements` (at least 1) begins. False: that is one level too many. */
  open(elements: number, isAttribute: boolean, isPush: boolean): boolean {
    if (this.depth === limits.nestingLevels) return false
    if (this.depth === this.#left.length) this.#grow()
    this.#left[this.depth] = elements
    const isInner = this.depth > 0
    this.#roles[this.depth] = isAttribute ? uncounted : isPush && isInner ? undecided : counted
    this.depth++
    return true
  }

  /** Whether the next element says what kind of push it is in. */
  get wantsKind(): boolean {
    return this.depth > 0 && this.#roles[this.depth - 1] === undecided
  }

  /** A piece of the text that says so. */
  addKind(chunk: Uint8Array, from: number, to: number): void {
    if (this.#kind.length === 0) this.#kind = new Uint8Array(longestKind)
    for (let at = from; at < to; at++) {
      if (this.#kindLength < longestKind) this.#kind[this.#kindLength] = chunk[at] as number
      this.#kindLength++
    }
  }

  /** An element is complete. True: so is the whole frame. */
  close(): boolean {
    while (this.depth > 0) {
      const level = this.depth - 1
      const role = this.#roles[level] as number
      if (role === undecided) this.#roles[level] = this.#isOutOfBand() ? uncounted : counted
      this.#kindLength = 0
      const left = (this.#left[level] as number) - 1
      this.#left[level] = left
      if (left > 0) return false
      this.depth = level
      if (this.#roles[level] === uncounted) return false
    }
    if (this.#left.length > keptLevels) {
      this.#left = noLefts
      this.#roles = noRoles
    }
    return true
  }

  #isOutOfBand(): boolean {
    for (const kind of kinds) {
      if (kind.length !== this.#kindLength) continue
      let at = 0
      while (at < kind.length && kind[at] === this.#kind[at]) at++
      if (at === kind.length) return true
    }
    return false
  }

  #grow(): void {
    const levels = Math.max(firstLevels, 2 * this.depth)
    const left = new Float64Array(levels)
    left.set(this.#left)
    const roles = new Uint8Array(levels)
    roles.set(this.#roles)
    this.#left = left
    this.#roles = roles
  }
}
