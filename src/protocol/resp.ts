/**
 * The bytes and the limits of RESP, and the protocol errors that a server answers before it closes.
 * Sources: redis 7.0.15 `networking.c` (processInlineBuffer, processMultibulkBuffer), `server.h`.
 */

/** The first byte of a frame; RESP2 and RESP3. */
export const typeByte = {
  simple: 0x2b, // +
  error: 0x2d, // -
  integer: 0x3a, // :
  bulk: 0x24, // $
  array: 0x2a, // *
  null: 0x5f, // _
  boolean: 0x23, // #
  double: 0x2c, // ,
  bigNumber: 0x28, // (
  bulkError: 0x21, // !
  verbatim: 0x3d, // =
  map: 0x25, // %
  set: 0x7e, // ~
  push: 0x3e, // >
  attribute: 0x7c, // |
} as const

/** What a request may be at most. */
export interface RequestLimits {
  /** Bytes of an inline line, or of a length line, without its end. */
  readonly maxInlineBytes: number
  /** Bytes of one argument. */
  readonly maxBulkBytes: number
  /** Bytes of a whole request above which it is handed on in parts and never gathered. */
  readonly streamAboveBytes: number
}

/** The server's own limits, and those that only a framer has. */
export const limits = {
  /** PROTO_INLINE_MAX_SIZE, bytes; more without a line's end is an error. */
  inlineBytes: 64 * 1024,
  /** Arguments of a request: INT_MAX since 7.0 (1,048,576 before). */
  multibulkArguments: 2_147_483_647,
  /** `proto-max-bulk-len`, bytes of one argument; an operator may have raised it. */
  bulkBytes: 512 * 1024 * 1024,
  /** Arguments that a client may send before it has authenticated (CVE-2021-32675). */
  unauthenticatedArguments: 10,
  /** Bytes of one argument before the client has authenticated. */
  unauthenticatedBulkBytes: 16_384,
  /** Bytes of a command's name; none is longer, so a longer one is streamed and never gathered. */
  nameBytes: 64 * 1024,
  /** Levels of nesting of a reply: Lua can return 7,995 (measured); more is an attack or a fault. */
  nestingLevels: 10_000,
  /** Bytes of a reply's line (simple string, error, number); a server's longest string is 512 MiB. */
  lineBytes: 1024 * 1024 * 1024,
} as const

/** The limits of a server with its default configuration. Streams from 256 KiB on: four reads. */
export const defaultRequestLimits: RequestLimits = {
  maxInlineBytes: limits.inlineBytes,
  maxBulkBytes: limits.bulkBytes,
  streamAboveBytes: 256 * 1024,
}

const protocolError = (text: string): Uint8Array => Buffer.from(`-ERR Protocol error: ${text}\r\n`)

/** The whole replies by which a server refuses malformed requests; it closes after each. */
export const faultReplies = {
  inlineTooBig: protocolError('too big inline request'),
  unbalancedQuotes: protocolError('unbalanced quotes in request'),
  countLineTooBig: protocolError('too big mbulk count string'),
  invalidCount: protocolError('invalid multibulk length'),
  unauthenticatedCount: protocolError('unauthenticated multibulk length'),
  lengthLineTooBig: protocolError('too big bulk count string'),
  invalidLength: protocolError('invalid bulk length'),
  unauthenticatedLength: protocolError('unauthenticated bulk length'),
} as const

/** The reply to a request in which `byte` stands where the `$` of an argument must be. */
export function expectedDollarReply(byte: number): Uint8Array {
  // The server replaces line ends within an error by spaces, and writes any other byte as it is.
  const shown = byte === 0x0d || byte === 0x0a ? 0x20 : byte
  const reply = Buffer.from(protocolError("expected '$', got ' '"))
  reply[reply.length - 4] = shown
  return reply
}

const int64Max = '9223372036854775807'

/**
 * The integer written in `bytes[start, end)` by the rules of the server's `string2ll`: an optional
 * minus, no plus, no spaces, no leading zeros, within 64 bits. NaN when it is none. Beyond 2^53 the
 * last digits are lost, which is good enough to compare the value with a limit.
 */
export function parseInt64(bytes: Uint8Array, start: number, end: number): number {
  const negative = start < end && bytes[start] === 0x2d
  const first = negative ? start + 1 : start
  const digits = end - first
  if (digits < 1 || digits > 19) return NaN
  if (bytes[first] === 0x30) return digits === 1 && !negative ? 0 : NaN
  let value = 0
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  if (digits === 19 && beyondInt64(bytes, first, negative)) return NaN
  return negative ? -value : value
}

/** Whether 19 digits at `first` are more than the greatest, or less than the least, int64. */
function beyondInt64(bytes: Uint8Array, first: number, negative: boolean): boolean {
  for (let i = 0; i < 19; i++) {
    const limit = int64Max.charCodeAt(i) + (negative && i === 18 ? 1 : 0)
    const digit = bytes[first + i] as number
    if (digit !== limit) return digit > limit
  }
  return false
}
