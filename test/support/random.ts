/** A small seeded generator (mulberry32): the same seed gives the same numbers on every machine. */
export class Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number of at least `low` and at most `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let n = 0; n < length; n += 1) bytes[n] = this.between(0, 255)
    return bytes
  }
}

/** The seed of this run: SWITCHMASTER_TEST_SEED, or a new one. It is printed, so that a run can be repeated. */
export function testRandom(suite: string): Random {
  const given = process.env['SWITCHMASTER_TEST_SEED']
  const seed = given === undefined ? Math.floor(Math.random() * 4_294_967_296) : Number(given)
  console.info(`${suite}: SWITCHMASTER_TEST_SEED=${seed}`)
  return new Random(seed)
}
