import { parseInt64 } from './resp.ts'

/** Helpers on one whole canonical request `bytes[start, end)`. Cold: they allocate. */

const CR = 0x0d

/** The arguments of a request, as views of its bytes. */
export function args(bytes: Uint8Array, start: number, end: number): Uint8Array[] {
  const views: Uint8Array[] = []
  let at = behindLine(bytes, start, end)
  while (at < end) {
    const body = behindLine(bytes, at, end)
    const stop = body + parseInt64(bytes, at + 1, body - 2)
    views.push(bytes.subarray(body, stop))
    at = stop + 2
  }
  return views
}

/** The argument at `index` (0 is the command's name) as a view, or undefined when there is none. */
export function argument(
  bytes: Uint8Array,
  start: number,
  end: number,
  index: number,
): Uint8Array | undefined {
  let at = behindLine(bytes, start, end)
  for (let i = 0; at < end; i++) {
    const body = behindLine(bytes, at, end)
    const stop = body + parseInt64(bytes, at + 1, body - 2)
    if (i === index) return bytes.subarray(body, stop)
    at = stop + 2
  }
  return undefined
}

/** The offset behind the line that begins at `at`. */
function behindLine(bytes: Uint8Array, at: number, end: number): number {
  let cr = at
  while (cr < end && bytes[cr] !== CR) cr++
  return cr + 2
}

/** A canonical request of these arguments; strings are written as UTF-8. */
export function encodeRequest(parts: readonly (string | Uint8Array | number)[]): Uint8Array {
  const views = parts.map((part) => (part instanceof Uint8Array ? part : Buffer.from(String(part))))
  const pieces: Uint8Array[] = [Buffer.from(`*${views.length}\r\n`)]
  for (const view of views) {
    pieces.push(Buffer.from(`$${view.length}\r\n`), view, Buffer.from('\r\n'))
  }
  return Buffer.concat(pieces)
}

/** The bytes as text, ASCII letters in lower case and every other byte as the character it is. */
export function lowerAscii(view: Uint8Array): string {
  const text = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('latin1')
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** The integer that the argument is, as the server reads integers; undefined when it is none. */
export function parseInteger(view: Uint8Array): number | undefined {
  const value = parseInt64(view, 0, view.length)
  return Number.isSafeInteger(value) ? value : undefined
}
