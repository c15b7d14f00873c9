import { ProtocolFault } from './reply-framer.ts'
import { parseInt64, typeByte } from './resp.ts'

/**
 * Helpers on complete reply frames `bytes[start, end)`, as a ReplyFramer cuts them out, and encoders
 * of our own replies. Cold: they allocate.
 */

/** A reply as plain values. Strings of every kind are Buffers; sets and pushes are arrays. */
export type Reply =
  null | boolean | number | bigint | Buffer | readonly Reply[] | ReplyMap | ReplyError

/** A RESP3 map, in the server's order. Keys are replies of any type. */
export interface ReplyMap {
  readonly kind: 'map'
  readonly entries: readonly (readonly [Reply, Reply])[]
}

/** An error that the server answered. */
export interface ReplyError {
  readonly kind: 'error'
  /** Its first word, such as `WRONGPASS`. */
  readonly code: string
  /** The whole text, the code included. */
  readonly message: string
}

/** Levels of nesting that we decode; what we ask a server for ourselves has at most six. */
const decodedLevels = 64

const LF = 0x0a

/** Pushes that a server up to 7.0 writes between the elements of another reply. */
const strayKinds = /^(?:message|pmessage|smessage|invalidate|tracking-redir-broken)$/

interface Cursor {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
}

/** The text of an array's or push's first element, '' if that is not a string. */
export function firstElement(bytes: Uint8Array, start: number, end: number): string {
  const cursor: Cursor = { bytes, end, at: start }
  const type = skipAttributes(cursor, 0)
  if (type !== typeByte.array && type !== typeByte.push) return ''
  if (readLength(cursor) < 1) return ''
  const first = skipAttributes(cursor, 0)
  if (first !== typeByte.bulk && first !== typeByte.simple && first !== typeByte.verbatim) return ''
  const value = readValue(cursor, 1)
  return Buffer.isBuffer(value) ? value.toString('latin1') : ''
}

/** The first word of an error reply, '' if the reply is none. */
export function errorCode(bytes: Uint8Array, start: number, end: number): string {
  const cursor: Cursor = { bytes, end, at: start }
  const type = skipAttributes(cursor, 0)
  if (type !== typeByte.error && type !== typeByte.bulkError) return ''
  const value = readValue(cursor, 0)
  return isReplyError(value) ? value.code : ''
}

/** The reply as plain values, copied. Throws a ProtocolFault on nonsense. Attributes are left out. */
export function decodeReply(bytes: Uint8Array, start: number, end: number): Reply {
  return readValue({ bytes, end, at: start }, 0)
}

/** Whether the server answered an error. */
export function isReplyError(reply: Reply): reply is ReplyError {
  return isRecord(reply) && reply.kind === 'error'
}

function isRecord(reply: Reply): reply is ReplyMap | ReplyError {
  if (typeof reply !== 'object' || reply === null) return false
  return !Array.isArray(reply) && !Buffer.isBuffer(reply)
}

/** The text of a string reply, undefined if it is not one. */
export function textOf(reply: Reply | undefined): string | undefined {
  return Buffer.isBuffer(reply) ? reply.toString() : undefined
}

/** The fields of a map, or of the flat array that RESP2 has for one, by their names. */
export function fieldsOf(reply: Reply): Map<string, Reply> {
  const fields = new Map<string, Reply>()
  if (isRecord(reply)) {
    if (reply.kind === 'error') return fields
    for (const [key, value] of reply.entries) fields.set(textOf(key) ?? '', value)
  } else if (Array.isArray(reply)) {
    const items: readonly Reply[] = reply
    for (let i = 0; i + 1 < items.length; i += 2) {
      fields.set(textOf(items[i]) ?? '', items[i + 1] ?? null)
    }
  }
  return fields
}

/** Moves to the frame behind any attributes; its type byte. */
function skipAttributes(cursor: Cursor, level: number): number {
  while (cursor.bytes[cursor.at] === typeByte.attribute) {
    const items = 2 * readLength(cursor)
    for (let i = 0; i < items; i++) readValue(cursor, level + 1)
  }
  return cursor.bytes[cursor.at] ?? 0
}

/** The text between the type byte and the line's end; moves behind it. */
function readLine(cursor: Cursor): string {
  const from = cursor.at + 1
  const behind = cursor.bytes.indexOf(LF, from) + 1
  if (behind === 0 || behind > cursor.end) throw new ProtocolFault('a reply is cut short')
  cursor.at = behind
  return Buffer.from(cursor.bytes.subarray(from, behind - 2)).toString('latin1')
}

function readLength(cursor: Cursor): number {
  const line = Buffer.from(readLine(cursor))
  const length = parseInt64(line, 0, line.length)
  if (!(length >= -1 && length <= cursor.end)) throw new ProtocolFault('a length is out of range')
  return length
}

function readString(cursor: Cursor): Buffer | null {
  const length = readLength(cursor)
  if (length < 0) return null
  const from = cursor.at
  cursor.at = from + length + 2
  if (cursor.at > cursor.end) throw new ProtocolFault('a reply is cut short')
  return Buffer.from(cursor.bytes.subarray(from, from + length))
}

function readValue(cursor: Cursor, level: number): Reply {
  if (level > decodedLevels) throw new ProtocolFault('a reply is nested too deeply to be ours')
  switch (skipAttributes(cursor, level)) {
    case typeByte.simple:
      return Buffer.from(readLine(cursor), 'latin1')
    case typeByte.error:
      return toError(Buffer.from(readLine(cursor), 'latin1'))
    case typeByte.integer:
    case typeByte.bigNumber:
      return toInteger(readLine(cursor))
    case typeByte.double:
      return toDouble(readLine(cursor))
    case typeByte.boolean:
      return readLine(cursor) === 't'
    case typeByte.null:
      readLine(cursor)
      return null
    case typeByte.bulk:
      return readString(cursor)
    case typeByte.verbatim:
      // The first four bytes are the format, such as `txt:`.
      return readString(cursor)?.subarray(4) ?? null
    case typeByte.bulkError:
      return toError(readString(cursor) ?? Buffer.alloc(0))
    case typeByte.array:
    case typeByte.set:
    case typeByte.push:
      return readItems(cursor, level, 1)
    case typeByte.map:
      return readMap(cursor, level)
    default:
      throw new ProtocolFault('a frame of unknown type')
  }
}

function readItems(cursor: Cursor, level: number, each: 1 | 2): Reply[] | null {
  const count = readLength(cursor) * each
  if (count < 0) return null
  const items: Reply[] = []
  while (items.length < count) {
    const isPush = skipAttributes(cursor, level) === typeByte.push
    const item = readValue(cursor, level + 1)
    if (isPush && Array.isArray(item) && strayKinds.test(textOf(item[0] as Reply) ?? '')) continue
    items.push(item)
  }
  return items
}

function readMap(cursor: Cursor, level: number): ReplyMap {
  const items = readItems(cursor, level, 2) ?? []
  const entries: [Reply, Reply][] = []
  for (let i = 0; i < items.length; i += 2) entries.push([items[i] ?? null, items[i + 1] ?? null])
  return { kind: 'map', entries }
}

function toError(text: Buffer): ReplyError {
  const message = text.toString()
  return { kind: 'error', code: message.split(' ', 1)[0] ?? '', message }
}

function toInteger(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new ProtocolFault('a number is malformed')
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text.replace('+', ''))
}

function toDouble(text: string): number {
  if (text === 'inf') return Infinity
  if (text === '-inf') return -Infinity
  return text === '' ? NaN : Number(text)
}

/** `+text`. */
export function simpleString(text: string): Uint8Array {
  return Buffer.from(`+${oneLine(text)}\r\n`)
}

/** `-CODE text`. */
export function simpleError(code: string, text: string): Uint8Array {
  return Buffer.from(`-${oneLine(`${code} ${text}`)}\r\n`)
}

/** Line ends become spaces, as the server does it. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ')
}

/** `$n` and the text, or bytes. */
export function bulk(text: string | Uint8Array): Uint8Array {
  const body = typeof text === 'string' ? Buffer.from(text) : text
  return Buffer.concat([Buffer.from(`$${body.length}\r\n`), body, Buffer.from('\r\n')])
}

/** `:n`. */
export function integer(n: number): Uint8Array {
  return Buffer.from(`:${n}\r\n`)
}

/** Nothing: `$-1`, or `_` in RESP3. */
export function nullReply(resp: 2 | 3): Uint8Array {
  return Buffer.from(resp === 3 ? '_\r\n' : '$-1\r\n')
}

/** No array: a blocking pop in vain, or EXEC when a watched key had changed. */
export function nullArray(resp: 2 | 3): Uint8Array {
  return Buffer.from(resp === 2 ? '*-1\r\n' : '_\r\n')
}

/**
 * Does this error, the answer to EXEC or DISCARD, leave no transaction behind? Only where the server
 * knows neither command (rename-command) does one stay open.
 */
export function endsTransaction(bytes: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
  return /^-(EXECABORT |ERR (EXEC|DISCARD) without MULTI)/.test(text)
}

/** An array of encoded replies. */
export function array(items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items])
}

/** A map from names to encoded replies; in RESP2 the flat array that stands for it. */
export function map(resp: 2 | 3, entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const items = entries.flatMap(([key, value]) => [bulk(key), value])
  const head = resp === 3 ? `%${entries.length}\r\n` : `*${items.length}\r\n`
  return Buffer.concat([Buffer.from(head), ...items])
}
