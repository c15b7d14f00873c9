import { parseInt64 } from './resp.ts'
import type { Carry } from './carry.ts'

const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30

/** Bytes of a length line that are kept: more than any number has, so the rest cannot make it one. */
const keptBytes = 24

/**
 * The number of the line `<type>n CR LF` at `at`, when it lies whole before `end` and is written
 * just as we would write it; otherwise -1, and the line is for a `SplitLine`. Hot.
 */
export function readNumber(chunk: Uint8Array, at: number, end: number, type: number): number {
  if (end - at < 4 || chunk[at] !== type) return -1
  let value = (chunk[at + 1] as number) - ZERO
  if (value < 0 || value > 9) return -1
  let next = at + 2
  if (chunk[next] !== CR) {
    if (value === 0) return -1
    do {
      const digit = (chunk[next] as number) - ZERO
      if (digit < 0 || digit > 9) return -1
      value = value * 10 + digit
      next++
      if (next + 1 >= end || next - at > 15) return -1
    } while (chunk[next] !== CR)
  }
  return chunk[next + 1] === LF ? value : -1
}

/** The bytes of a whole line `<type>n CR LF`; `n` is at least 0. */
export function sizeOfLine(n: number): number {
  let size = 4
  for (let rest = n; rest >= 10; rest = Math.floor(rest / 10)) size++
  return size
}

/** What reading on in a line came to, when it did not come to its end. */
export const lineEnds = { notYet: -1, tooLong: -2 } as const

/**
 * A line that is read over chunks, as the server does it: of a length line it looks for the CR,
 * waits for one more byte and takes that for the LF, whatever it is; an inline line ends with LF.
 * It looks with strchr, so a NUL hides the end for ever. What is needed of the line goes into a
 * carry; no byte is looked at twice.
 */
export class SplitLine {
  #start = 0
  #seen = 0
  #returned = false
  #endless = false

  /** A line begins, at the end of what the carry holds. */
  begin(carry: Carry): void {
    this.#start = carry.length
    this.#seen = 0
    this.#returned = false
    this.#endless = false
  }

  /**
   * Reads on in a length line in chunk[position, end); it goes into the carry in canonical form.
   * The offset behind it, or one of `lineEnds`.
   */
  readLength(carry: Carry, chunk: Uint8Array, position: number, end: number, max: number): number {
    let at = position
    while (at < end) {
      const byte = chunk[at++] as number
      if (this.#returned) {
        carry.appendByte(LF)
        return at
      }
      if (byte === CR && !this.#endless) {
        carry.appendByte(CR)
        this.#returned = true
        continue
      }
      if (byte === 0) this.#endless = true
      this.#seen++
      if (this.#seen > max) return lineEnds.tooLong
      if (this.#seen <= keptBytes) carry.appendByte(byte)
    }
    return lineEnds.notYet
  }

  /**
   * Reads on in an inline line in chunk[position, end). The offset of its LF, or one of `lineEnds`;
   * with `notYet` the bytes are in the carry.
   */
  readInline(carry: Carry, chunk: Uint8Array, position: number, end: number, max: number): number {
    for (let at = position; at < end; at++) {
      const byte = chunk[at] as number
      if (byte === LF && !this.#endless) return at
      if (byte === 0) this.#endless = true
      this.#seen++
      if (this.#seen > max) return lineEnds.tooLong
    }
    if (this.#endless) carry.drop()
    else carry.append(chunk, position, end, end - position)
    return lineEnds.notYet
  }

  /** The first byte of the length line just read. */
  first(carry: Carry): number {
    return carry.bytes[this.#start] as number
  }

  /** The number in the length line just read, NaN if it is none. */
  value(carry: Carry): number {
    return parseInt64(carry.bytes, this.#start + 1, carry.length - 2)
  }
}
