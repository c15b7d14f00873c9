import { ReplyFramer } from '../../../src/protocol/reply-framer.ts'
import { RequestFramer, framed } from '../../../src/protocol/request-framer.ts'
import { defaultRequestLimits } from '../../../src/protocol/resp.ts'
import type { RequestLimits } from '../../../src/protocol/resp.ts'

/** Bytes that stand before and behind each chunk and are none of the framer's business. */
const margin = 5
/** What the margins hold, and what a chunk is overwritten with when it is used up: a digit. */
const rubbish = 0x37

/**
 * Feeds `input`, cut at the offsets `cuts`, to `each`, as slices of buffers that do not last. What
 * comes next stands behind the slice already, as a temptation.
 */
export function inChunks(
  input: Uint8Array,
  cuts: readonly number[],
  each: (chunk: Buffer, position: number, end: number) => void,
): void {
  const offsets = [...new Set([0, ...cuts, input.length])].sort((a, b) => a - b)
  for (let i = 1; i < offsets.length; i++) {
    const from = offsets[i - 1] ?? 0
    const piece = input.subarray(from, offsets[i])
    const chunk = Buffer.alloc(piece.length + 2 * margin, rubbish)
    chunk.set(input.subarray(from, from + piece.length + margin), margin)
    each(chunk, margin, margin + piece.length)
    chunk.fill(rubbish)
  }
}

/** Every offset of the input: one byte a chunk. */
export function everyByte(input: Uint8Array): number[] {
  return Array.from({ length: input.length }, (_, i) => i)
}

/** A request that came out, as text of one character a byte. */
export interface Seen {
  readonly text: string
  readonly argc: number
  readonly name: string
  readonly sub: string | undefined
  readonly isBig: boolean
}

export interface Requests {
  readonly seen: Seen[]
  /** The reply by which the client is refused, if it is. */
  fault: string | undefined
  /** The most memory that was held between two chunks. */
  held: number
  /** What came of a big request that is not complete. */
  rest: string
  readonly framer: RequestFramer
}

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** All that a client's bytes, cut so, come to. */
export function feedRequests(
  input: Uint8Array,
  cuts: readonly number[],
  limits: Partial<RequestLimits> = {},
  authenticated = true,
): Requests {
  const framer = new RequestFramer({ ...defaultRequestLimits, ...limits })
  framer.authenticated = authenticated
  const result: Requests = { seen: [], fault: undefined, held: 0, rest: '', framer }
  const kept: [Uint8Array, string][] = []
  let head: Seen | undefined
  const text = (from: number, to: number): string => textOf(framer.bytes.subarray(from, to))
  const describe = (isBig: boolean): Seen => ({
    text: text(framer.start, framer.end),
    argc: framer.argc,
    name: text(framer.nameStart, framer.nameEnd),
    sub: framer.subStart < 0 ? undefined : text(framer.subStart, framer.subEnd),
    isBig,
  })
  inChunks(input, cuts, (chunk, from, end) => {
    if (result.fault !== undefined) return
    let position = from
    for (let steps = 0; ; steps++) {
      if (steps > 4 * chunk.length) throw new Error('the framer goes round in circles')
      const found = framer.next(chunk, position, end)
      if (found === framed.more) break
      if (found === framed.fault) {
        result.fault = textOf(framer.fault)
        break
      }
      if (framer.position < position || framer.position > end) {
        throw new Error('the framer left the chunk')
      }
      position = framer.position
      const piece = text(framer.start, framer.end)
      if (framer.owned) kept.push([framer.bytes, textOf(framer.bytes)])
      if (found === framed.request) result.seen.push(describe(false))
      else if (found === framed.big) {
        head = describe(true)
        result.rest = piece
      } else {
        result.rest += piece
        if (found === framed.partEnd && head !== undefined) {
          result.seen.push({ ...head, text: result.rest })
          result.rest = ''
        }
      }
    }
    result.held = Math.max(result.held, framer.pendingBytes)
  })
  for (const [bytes, then] of kept) {
    if (textOf(bytes) !== then) throw new Error('bytes that were given away were written again')
  }
  return result
}

/** A frame that was found: the offset behind it in the whole input, and its type. */
export type Found = readonly [behind: number, type: string]

/** The frames in a server's bytes, cut so; and what was thrown, if anything. */
export function feedReplies(
  input: Uint8Array,
  cuts: readonly number[],
): { found: Found[]; thrown: unknown; framer: ReplyFramer } {
  const framer = new ReplyFramer()
  const found: Found[] = []
  let offset = 0
  let thrown: unknown
  inChunks(input, cuts, (chunk, from, end) => {
    let position = from
    while (position < end && thrown === undefined) {
      try {
        const behind = framer.next(chunk, position, end)
        if (behind < 0) break
        if (behind <= position || behind > end) throw new Error(`an offset of ${behind}`)
        position = behind
        found.push([offset + behind - from, String.fromCharCode(framer.type)])
      } catch (error) {
        thrown = error
      }
    }
    offset += end - from
  })
  return { found, thrown, framer }
}
