import type { Carry } from './carry.ts'

/**
 * The words of an inline request (what a person types into telnet), by the rules of the server's
 * `sdssplitargs`. Cold: nobody who is in a hurry sends inline requests.
 */

const backslash = 0x5c
const doubleQuote = 0x22
const singleQuote = 0x27

/** C's isspace(). */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

/** What ends a bare word: isspace() without vertical tab and form feed, as the server has it. */
function endsWord(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}

/** The byte that a backslash and `byte` stand for between double quotes. */
function escaped(byte: number): number {
  if (byte === 0x6e) return 0x0a // \n
  if (byte === 0x72) return 0x0d // \r
  if (byte === 0x74) return 0x09 // \t
  if (byte === 0x62) return 0x08 // \b
  if (byte === 0x61) return 0x07 // \a
  return byte
}

/**
 * The arguments of an inline line that is what the carry holds, if anything, and chunk[from, to);
 * null when quotes are unbalanced. A CR before the LF is a space like others.
 */
export function lineWords(
  carry: Carry,
  chunk: Uint8Array,
  from: number,
  to: number,
): Uint8Array[] | null {
  let line = chunk
  let start = from
  let end = to
  if (carry.length > 0) {
    carry.append(chunk, from, to, to - from)
    line = carry.bytes
    start = 0
    end = carry.length
  }
  return splitInline(line, start, end)
}

/**
 * The arguments of the line `bytes[start, end)`, which is without its line end and without NUL; null
 * when quotes are unbalanced.
 */
export function splitInline(bytes: Uint8Array, start: number, end: number): Uint8Array[] | null {
  const words: Uint8Array[] = []
  const word = new Uint8Array(end - start)
  let at = start
  for (;;) {
    while (at < end && isSpace(bytes[at] as number)) at++
    if (at >= end) return words
    let length = 0
    let quote = 0
    for (;;) {
      const byte = at < end ? (bytes[at] as number) : -1
      if (quote === 0) {
        if (byte === -1 || endsWord(byte)) break
        if (byte === doubleQuote || byte === singleQuote) quote = byte
        else word[length++] = byte
        at++
        continue
      }
      if (byte === -1) return null
      if (byte === quote) {
        // A closing quote ends the word: nothing may stick to it.
        at++
        if (at < end && !isSpace(bytes[at] as number)) return null
        break
      }
      if (byte === backslash && at + 1 < end) {
        const taken = quote === doubleQuote ? takeEscape(bytes, at, end, word, length) : 0
        if (taken > 0) {
          at += taken
          length++
          continue
        }
        if (quote === singleQuote && bytes[at + 1] === singleQuote) at++
      }
      word[length++] = bytes[at] as number
      at++
    }
    words.push(word.slice(0, length))
  }
}

/** Writes the byte that the escape at `at` stands for; the number of bytes that the escape is long. */
function takeEscape(b: Uint8Array, at: number, end: number, word: Uint8Array, to: number): number {
  if (b[at + 1] === 0x78 && at + 3 < end) {
    const high = hexDigit(b[at + 2] as number)
    const low = hexDigit(b[at + 3] as number)
    if (high >= 0 && low >= 0) {
      word[to] = high * 16 + low
      return 4
    }
  }
  word[to] = escaped(b[at + 1] as number)
  return 2
}
