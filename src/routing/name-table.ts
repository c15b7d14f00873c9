/**
 * An immutable map from names to values that is asked with bytes where they lie, without making a
 * string. Upper and lower case ASCII letters are equal, as they are for the server. Open
 * addressing with at most half of the slots in use; a name longer than every key is not hashed.
 */
export class NameTable<V> {
  readonly longest: number
  readonly #mask: number
  /** Index of the entry plus one; 0 is an empty slot. */
  readonly #slots: Int32Array
  readonly #keys: Uint8Array
  /** Entry i's key is `#keys[#ends[i], #ends[i + 1])`. */
  readonly #ends: Int32Array
  readonly #values: readonly V[]

  /** Keys are in lower case. */
  constructor(entries: ReadonlyMap<string, V>) {
    const keys = [...entries.keys()].map((name) => Buffer.from(name))
    this.longest = keys.reduce((longest, key) => Math.max(longest, key.length), 0)
    this.#values = [...entries.values()]
    this.#keys = Buffer.concat(keys)
    this.#ends = new Int32Array(keys.length + 1)
    this.#mask = 2 ** Math.ceil(Math.log2(keys.length * 2 + 2)) - 1
    this.#slots = new Int32Array(this.#mask + 1)
    let end = 0
    for (const [i, key] of keys.entries()) {
      const start = end
      end += key.length
      this.#ends[i + 1] = end
      let slot = hash(this.#keys, start, end) & this.#mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
      this.#slots[slot] = i + 1
    }
  }

  /** The value of the name `bytes[start, end)`, whatever its case. */
  find(bytes: Uint8Array, start: number, end: number): V | undefined {
    if (end - start > this.longest) return undefined
    let slot = hash(bytes, start, end) & this.#mask
    for (;;) {
      const entry = this.#slots[slot] ?? 0
      if (entry === 0) return undefined
      if (this.#isKey(entry - 1, bytes, start, end)) return this.#values[entry - 1]
      slot = (slot + 1) & this.#mask
    }
  }

  #isKey(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    let at = this.#ends[entry] ?? 0
    if ((this.#ends[entry + 1] ?? 0) - at !== end - start) return false
    for (let i = start; i < end; i++, at++) {
      const byte = bytes[i] ?? 0
      if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== this.#keys[at]) return false
    }
    return true
  }
}

/** FNV-1a with bit 5 set, so that both cases of a letter fall together; comparing keys is exact. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5
  for (let i = start; i < end; i++) h = Math.imul(h ^ ((bytes[i] ?? 0) | 0x20), 0x01000193)
  return h ^ (h >>> 15)
}
