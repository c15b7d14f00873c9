/** A fault that the server reported: the text of a `-` or `!` reply without its type byte. */
export interface Fault {
  readonly fault: string
}

/** One parsed reply. Strings are latin1, so that every byte survives. Maps are flat arrays. */
export type Reply = string | number | null | Fault | readonly Reply[]

export type Arg = string | number | Buffer

const CR = 13
const PUSH_KINDS = new Set([
  'message',
  'pmessage',
  'smessage',
  'invalidate',
  'tracking-redir-broken',
])

export function isFault(reply: Reply | undefined): reply is Fault {
  return typeof reply === 'object' && reply !== null && 'fault' in reply
}

/** The text of a fault, or '' for any other reply. */
export function faultOf(reply: Reply | undefined): string {
  return isFault(reply) ? reply.fault : ''
}

/** The canonical request: an array of bulk strings. Strings are written as UTF-8. */
export function encode(...args: readonly Arg[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/**
 * Finds the boundaries of replies in a stream, iteratively and without reading a byte twice.
 * Independent of the product's own framer, so that each can convict the other.
 * A push of a message kind inside an aggregate is not an element of it (Redis ≤ 7.0).
 */
export class FrameScanner {
  #buffer = Buffer.alloc(1024)
  #start = 0
  #position = 0
  #end = 0
  #remaining = 1

  /** The complete replies that `chunk` finished, each a copy of its bytes. */
  feed(chunk: Buffer): Buffer[] {
    this.#append(chunk)
    const frames: Buffer[] = []
    while (this.#step()) {
      if (this.#remaining > 0) continue
      frames.push(Buffer.from(this.#buffer.subarray(this.#start, this.#position)))
      this.#start = this.#position
      this.#remaining = 1
    }
    this.#compact()
    return frames
  }

  /** What has arrived and is not yet a complete reply. */
  rest(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#start, this.#end))
  }

  #append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + chunk.length))
      this.#buffer.copy(grown, 0, 0, this.#end)
      this.#buffer = grown
    }
    chunk.copy(this.#buffer, this.#end)
    this.#end += chunk.length
  }

  #compact(): void {
    if (this.#start === 0) return
    this.#buffer.copyWithin(0, this.#start, this.#end)
    this.#position -= this.#start
    this.#end -= this.#start
    this.#start = 0
  }

  /** Consumes one header (and the body of a string); false when more bytes are needed. */
  #step(): boolean {
    const line = this.#buffer.subarray(this.#position, this.#end).indexOf(CR)
    if (line < 0 || this.#position + line + 2 > this.#end) return false
    const after = this.#position + line + 2
    const type = String.fromCharCode(this.#buffer[this.#position] ?? 0)
    const size = Number(this.#buffer.toString('latin1', this.#position + 1, after - 2))
    let counts = 1
    let adds = 0
    if (type === '$' || type === '=' || type === '!') {
      const end = size < 0 ? after : after + size + 2
      if (end > this.#end) return false
      this.#position = end
    } else {
      if (type === '*' || type === '~') adds = Math.max(size, 0)
      else if (type === '%') adds = 2 * size
      else if (type === '|') adds = 2 * size + 1
      else if (type === '>') {
        adds = size
        const kind = this.#position > this.#start ? this.#kindAt(after) : ''
        if (kind === undefined) return false
        if (PUSH_KINDS.has(kind)) counts = 0
      }
      this.#position = after
    }
    this.#remaining += adds - counts
    return true
  }

  #kindAt(offset: number): string | undefined {
    const line = this.#buffer.subarray(offset, this.#end).indexOf(CR)
    if (line < 0) return undefined
    const size = Number(this.#buffer.toString('latin1', offset + 1, offset + line))
    const start = offset + line + 2
    if (start + size > this.#end) return undefined
    return this.#buffer.toString('latin1', start, start + size)
  }
}

/** Parses one complete reply as a FrameScanner cut it. Recursive: not for hostile nesting. */
export function parse(frame: Buffer): Reply {
  return parseAt(frame, { at: 0 })
}

function parseAt(frame: Buffer, cursor: { at: number }): Reply {
  const eol = frame.indexOf('\r\n', cursor.at)
  const type = String.fromCharCode(frame[cursor.at] ?? 0)
  const line = frame.toString('latin1', cursor.at + 1, eol)
  cursor.at = eol + 2
  switch (type) {
    case '+':
    case '(':
      return line
    case '-':
      return { fault: line }
    case ':':
    case ',':
      return Number(line)
    case '#':
      return line === 't' ? 1 : 0
    case '_':
      return null
    case '$':
    case '=':
    case '!':
      return parseString(frame, cursor, type, Number(line))
    case '|':
      parseMany(frame, cursor, 2 * Number(line))
      return parseAt(frame, cursor)
    case '%':
      return parseMany(frame, cursor, 2 * Number(line))
    case '*':
    case '~':
    case '>':
      return line === '-1' ? null : parseMany(frame, cursor, Number(line))
    default:
      throw new Error(`not a reply: ${JSON.stringify(frame.toString('latin1', 0, 80))}`)
  }
}

function parseString(frame: Buffer, cursor: { at: number }, type: string, size: number): Reply {
  if (size < 0) return null
  const text = frame.toString('latin1', cursor.at, cursor.at + size)
  cursor.at += size + 2
  return type === '!' ? { fault: text } : text
}

/** A message among the elements is none of them, as for the scanner. */
function parseMany(frame: Buffer, cursor: { at: number }, count: number): Reply[] {
  const replies: Reply[] = []
  while (replies.length < count) {
    const isPush = frame[cursor.at] === 0x3e
    const reply = parseAt(frame, cursor)
    const [kind] = isPush && Array.isArray(reply) ? (reply as readonly Reply[]) : []
    if (typeof kind !== 'string' || !PUSH_KINDS.has(kind)) replies.push(reply)
  }
  return replies
}
