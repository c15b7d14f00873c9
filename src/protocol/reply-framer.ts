import { Nesting } from './nesting.ts'
import { limits, typeByte } from './resp.ts'

/** Bytes that no Redis server writes: the link they came by is worth nothing any more. */
export class ProtocolFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ProtocolFault'
  }
}

const CR = 0x0d
const LF = 0x0a
const MINUS = 0x2d
const ZERO = 0x30

/** Where the scan stands in a frame. */
const TYPE = 0
const LINE = 1 // in the text of a line
const LINE_END = 2 // behind the CR of a line
const NUMBER = 3 // in the length of a string or an aggregate
const NUMBER_END = 4 // behind its CR
const BODY = 5 // in the bytes of a string
const BODY_CR = 6
const BODY_LF = 7
const DEAD = 8

/** How a type's frame goes on behind the type byte, by that byte. */
const FORM_NONE = 0
const FORM_LINE = 1
const FORM_STRING = 2
const FORM_AGGREGATE = 3
const forms = new Uint8Array(256)
for (const type of '+-:_#,(') forms[type.charCodeAt(0)] = FORM_LINE
for (const type of '$=!') forms[type.charCodeAt(0)] = FORM_STRING
for (const type of '*~%>|') forms[type.charCodeAt(0)] = FORM_AGGREGATE

/** Digits of 2^53 - 1; a longer length is no length. */
const mostDigits = 16

/**
 * Finds where each reply of a server ends, in RESP2 and RESP3, over any chunks. Nothing is
 * gathered: a frame is what lies between two offsets, and the bytes stay where they are.
 */
export class ReplyFramer {
  /**
   * The type byte of the top-level frame that is being read, or was completed by the last call. An
   * attribute belongs to the frame behind it and is never the type.
   */
  type = 0

  #state: number = TYPE
  #isMidFrame = false
  /** The type byte of the element being read. */
  #element = 0
  /** Bytes seen of a line; or the length as far as it was read; or bytes missing of a string. */
  #count = 0
  #digits = 0
  #negative = false
  readonly #nesting = new Nesting()

  /** Whether a frame has begun and is not complete. */
  get midFrame(): boolean {
    return this.#isMidFrame
  }

  /**
   * Scans chunk[position, end). The offset behind the frame's last byte; or -1: all of it belongs to
   * a frame that goes on in the next chunk. Throws a ProtocolFault, then and ever after.
   */
  next(chunk: Uint8Array, position: number, end: number): number {
    if (!this.#isMidFrame) {
      const behind = this.#plain(chunk, position, end)
      if (behind > 0) this.type = chunk[position] as number
      if (behind !== 0) return behind
    }
    return this.#walk(chunk, position, end)
  }

  /**
   * The offset behind a whole element that is a line or a string, as most are. 0: it is none, and
   * nothing was done; -1: it is a line that goes on in the next chunk.
   */
  #plain(chunk: Uint8Array, position: number, end: number): number {
    if (end - position < 4) return 0
    const type = chunk[position] as number
    let at = position + 1
    if (type === typeByte.bulk) {
      let length = (chunk[at++] as number) - ZERO
      if (length < 0 || length > 9) return 0
      let byte = chunk[at++] as number
      if (byte !== CR && length === 0) return 0
      while (byte !== CR) {
        if (byte < ZERO || byte > ZERO + 9 || at - position > mostDigits || at >= end) return 0
        length = length * 10 + byte - ZERO
        byte = chunk[at++] as number
      }
      // `at` is behind the CR; behind it are LF, the string and its CRLF.
      const stop = at + 1 + length
      if (stop + 2 > end || chunk[at] !== LF || chunk[stop] !== CR || chunk[stop + 1] !== LF) {
        return 0
      }
      return stop + 2
    }
    if (forms[type] !== FORM_LINE) return 0
    return this.#plainLine(chunk, at, end, type)
  }

  #plainLine(chunk: Uint8Array, from: number, end: number, type: number): number {
    let at = from
    while (at < end && chunk[at] !== CR) at++
    if (at + 1 < end) return chunk[at + 1] === LF ? at + 2 : 0
    // So that no byte of it is looked at again:
    this.#begin(type)
    this.#count = at - from
    if (at < end) this.#state = LINE_END
    return -1
  }

  #walk(chunk: Uint8Array, position: number, end: number): number {
    let at = position
    while (at < end) {
      switch (this.#state) {
        case TYPE: {
          const isPlain = this.#nesting.depth > 0 && !this.#nesting.wantsKind
          const behind = isPlain ? this.#plain(chunk, at, end) : 0
          if (behind < 0) return -1
          if (behind === 0) {
            this.#begin(chunk[at++] as number)
            break
          }
          at = behind
          if (this.#nesting.close()) return this.#finish(at)
          break
        }
        case LINE:
          at = this.#line(chunk, at, end)
          break
        case NUMBER:
          this.#number(chunk[at++] as number)
          break
        case BODY:
          at = this.#body(chunk, at, end)
          break
        case BODY_CR:
          this.#expect(chunk[at++] as number, CR, BODY_LF)
          break
        case NUMBER_END:
          this.#expect(chunk[at++] as number, LF, TYPE)
          if (this.#isComplete()) return this.#finish(at)
          break
        case LINE_END:
        case BODY_LF:
          this.#expect(chunk[at++] as number, LF, TYPE)
          if (this.#nesting.close()) return this.#finish(at)
          break
        default:
          throw new ProtocolFault('the framer is dead')
      }
    }
    return -1
  }

  #finish(at: number): number {
    this.#isMidFrame = false
    return at
  }

  #begin(type: number): void {
    const form = forms[type] as number
    if (form === FORM_NONE) this.#fail(`a frame of unknown type 0x${type.toString(16)}`)
    this.#isMidFrame = true
    this.#element = type
    if (this.#nesting.depth === 0 && type !== typeByte.attribute) this.type = type
    this.#state = form === FORM_LINE ? LINE : NUMBER
    this.#count = 0
    this.#digits = 0
    this.#negative = false
  }

  #line(chunk: Uint8Array, from: number, end: number): number {
    let at = from
    while (at < end && chunk[at] !== CR) at++
    this.#count += at - from
    if (this.#count > limits.lineBytes) this.#fail('a line without end')
    if (this.#element === typeByte.simple && this.#nesting.wantsKind) {
      this.#nesting.addKind(chunk, from, at)
    }
    if (at === end) return end
    this.#state = LINE_END
    return at + 1
  }

  #number(byte: number): void {
    const digit = byte - ZERO
    if (digit >= 0 && digit <= 9) {
      const isPadded = this.#digits > 0 && this.#count === 0
      this.#count = this.#count * 10 + digit
      this.#digits++
      if (isPadded || this.#digits > mostDigits) this.#fail('a malformed length')
    } else if (byte === MINUS && this.#digits === 0 && !this.#negative) {
      this.#negative = true
    } else if (byte === CR && this.#digits > 0) {
      this.#state = NUMBER_END
    } else {
      this.#fail('a malformed length')
    }
  }

  /** A length is complete. Whether the whole frame is, too. */
  #isComplete(): boolean {
    const count = this.#count
    const element = this.#element
    if (!Number.isSafeInteger(count)) this.#fail('a length beyond 2^53')
    if (this.#negative) {
      const mayBeNull = element === typeByte.bulk || element === typeByte.array
      if (count !== 1 || !mayBeNull) this.#fail('a negative length')
      return this.#nesting.close()
    }
    if (forms[element] === FORM_STRING) {
      this.#state = count > 0 ? BODY : BODY_CR
      return false
    }
    const isAttribute = element === typeByte.attribute
    if (count === 0) return isAttribute ? false : this.#nesting.close()
    const elements = isAttribute || element === typeByte.map ? 2 * count : count
    if (!this.#nesting.open(elements, isAttribute, element === typeByte.push)) {
      this.#fail(`more than ${limits.nestingLevels} levels of nesting`)
    }
    return false
  }

  #body(chunk: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.#count, end - at)
    if (this.#element === typeByte.bulk && this.#nesting.wantsKind) {
      this.#nesting.addKind(chunk, at, at + take)
    }
    this.#count -= take
    if (this.#count === 0) this.#state = BODY_CR
    return at + take
  }

  #expect(byte: number, due: number, next: number): void {
    if (byte !== due) this.#fail('a line or string without its end')
    this.#state = next
  }

  #fail(what: string): never {
    this.#state = DEAD
    this.#isMidFrame = true
    throw new ProtocolFault(`the server sent ${what}`)
  }
}
