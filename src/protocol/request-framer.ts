import { Carry } from './carry.ts'
import { lineWords } from './inline.ts'
import { encodeRequest } from './request.ts'
import { RequestRegisters } from './request-registers.ts'
import { expectedDollarReply, faultReplies, limits } from './resp.ts'
import { SplitLine, lineEnds, readNumber, sizeOfLine } from './split-line.ts'
import type { RequestLimits } from './resp.ts'

/** What `RequestFramer.next` found. */
export const framed = {
  /** The chunk is used up; its bytes are remembered where they must be. */
  more: 0,
  /** One whole canonical request is in the registers. */
  request: 1,
  /** The beginning of a request that is too large to gather; parts follow. */
  big: 2,
  /** The next part of it. */
  part: 3,
  /** Its last part. */
  partEnd: 4,
  /** Malformed: `fault` is the reply to send before closing. The framer is dead. */
  fault: 5,
} as const

/** Internal: something that is no request (`*0`, an empty line) was passed over. */
const skipped = -1

const CR = 0x0d
const LF = 0x0a
const ASTERISK = 0x2a
const DOLLAR = 0x24

/** Where the scan stands in a request. */
const START = 0
const COUNT = 1 // in the line `*n`
const LENGTH = 2 // in a line `$n`
const BODY = 3 // in an argument's bytes
const TAIL = 4 // in the two bytes behind them
const INLINE = 5
const DEAD = 6

const crlf: Uint8Array = Buffer.from('\r\n')

/**
 * Cuts what a client sends into requests, each in canonical RESP.
 *
 *     chunk  … ][*2 $3 GET $1 a][*2 $3 GE       one that lies whole in the chunk is found in place;
 *                ^start         ^end, position  one that is split is gathered in the carry
 *
 * The public fields but `authenticated` are registers: the result of the last `next`, valid until
 * the following one. After `framed.fault` in the middle of a streamed request, the link that has
 * its beginning must be closed.
 */
export class RequestFramer extends RequestRegisters {
  /** Whether the client may send large requests; false puts the server's small limits on it. */
  authenticated = true

  readonly #limits: RequestLimits
  readonly #streamAbove: number
  /** Bytes of an argument up to which no limit can forbid it. */
  readonly #plainBulk: number
  #state: number = START
  #streaming = false
  /** The beginning of a split request; while streaming, of a split length line. */
  readonly #carry = new Carry()
  readonly #line = new SplitLine()
  /** Arguments that are still to come, the one being read included. */
  #left = 0
  #stopped = 0
  /** Bytes that are missing of the argument, or of the two bytes behind it. */
  #remaining = 0

  constructor(requestLimits: RequestLimits) {
    super()
    this.#limits = requestLimits
    this.#streamAbove = requestLimits.streamAboveBytes
    this.#plainBulk = Math.min(requestLimits.maxBulkBytes, limits.unauthenticatedBulkBytes)
  }

  /** Bytes of memory held for an incomplete request; a little more than what came of it. */
  get pendingBytes(): number {
    return this.#carry.bytes.length
  }

  /** Scans chunk[position, end) up to the end of one request; one of `framed`. */
  next(chunk: Uint8Array, position: number, end: number): number {
    this.position = position
    for (;;) {
      const isNew = this.#state === START
      if (isNew && this.peek(chunk, this.position, end)) return framed.request
      if (isNew) this.#begin(chunk, this.position, end)
      const result = this.#streaming ? this.#stream(chunk, end) : this.#gather(chunk, end)
      if (result !== skipped) return result
    }
  }

  /**
   * The way of nearly all requests: one that lies whole in the chunk, and canonical, is found. Else
   * nothing has happened, and the registers are worth nothing. Only between two requests.
   */
  peek(chunk: Uint8Array, base: number, end: number): boolean {
    const argc = readNumber(chunk, base, end, ASTERISK)
    if (argc <= 0 || argc > this.#maxArguments()) return this.#stop(base, 0)
    let at = base + sizeOfLine(argc)
    let left = argc
    this.argc = argc
    this.subStart = -1
    this.subEnd = -1
    do {
      const length = readNumber(chunk, at, end, DOLLAR)
      const body = at + sizeOfLine(length)
      const stop = body + length
      if (length < 0 || stop + 2 > end || chunk[stop] !== CR || chunk[stop + 1] !== LF) {
        return this.#stop(at, left)
      }
      if (length > this.#plainBulk && this.#isUnusual(length, left)) return this.#stop(at, left)
      if (left === argc) {
        this.nameStart = body
        this.nameEnd = stop
      } else if (left === argc - 1) {
        this.subStart = body
        this.subEnd = stop
      }
      at = stop + 2
      left--
    } while (left > 0)
    // One that would be streamed if it were split is streamed here too.
    if (at - base > this.#streamAbove) return this.#stop(base, 0)
    this.register(chunk, base, at, false)
    this.position = at
    return true
  }

  /** Where `peek` saw that this is none of those, and how many arguments were missing: 0, all. */
  #stop(at: number, left: number): false {
    this.#stopped = at
    this.#left = left
    return false
  }

  #maxArguments(): number {
    return this.authenticated ? limits.multibulkArguments : limits.unauthenticatedArguments
  }

  /** Whether an argument of more than `#plainBulk` is one that `#bulk` must judge. */
  #isUnusual(length: number, left: number): boolean {
    if (length > this.#limits.maxBulkBytes || !this.authenticated) return true
    return left === this.argc && length > limits.nameBytes
  }

  /** A request begins that `peek` does not take: what it understood of it goes into the carry. */
  #begin(chunk: Uint8Array, base: number, end: number): void {
    const at = this.#stopped
    if (this.#left > 0 && at - base <= this.#streamAbove) {
      this.#carry.append(chunk, base, at, at - base)
      this.nameStart -= base
      this.nameEnd -= base
      if (this.subStart >= 0) {
        this.subStart -= base
        this.subEnd -= base
      }
      this.#beginLength()
      this.position = at
    } else if (base < end) {
      this.#state = chunk[base] === ASTERISK ? COUNT : INLINE
      this.#line.begin(this.#carry)
    }
  }

  #beginLength(): void {
    this.#state = LENGTH
    this.#line.begin(this.#carry)
  }

  /** Goes on with a request that is being gathered in the carry. */
  #gather(chunk: Uint8Array, end: number): number {
    if (this.#state === DEAD) return framed.fault
    while (this.position < end) {
      let result: number = framed.more
      if (this.#state === BODY) this.#gatherBody(chunk, end)
      else if (this.#state === TAIL) result = this.#gatherTail()
      else if (this.#state === INLINE) result = this.#gatherInline(chunk, end)
      else result = this.#gatherLine(chunk, end)
      if (result !== framed.more) return result
    }
    return this.#exhausted()
  }

  /** The chunk is used up; nothing of it is held on to. */
  #exhausted(): number {
    this.clear()
    if (this.#carry.length === 0) this.#carry.drop()
    return framed.more
  }

  #gatherLine(chunk: Uint8Array, end: number): number {
    const max = this.#limits.maxInlineBytes
    const behind = this.#line.readLength(this.#carry, chunk, this.position, end, max)
    this.position = behind < 0 ? end : behind
    if (behind === lineEnds.notYet) return framed.more
    const isCount = this.#state === COUNT
    if (behind >= 0) return isCount ? this.#count() : this.#bulk()
    return this.#fail(isCount ? faultReplies.countLineTooBig : faultReplies.lengthLineTooBig)
  }

  /** The line `*n` is complete. */
  #count(): number {
    const argc = this.#line.value(this.#carry)
    if (Number.isNaN(argc) || argc > limits.multibulkArguments) {
      return this.#fail(faultReplies.invalidCount)
    }
    if (argc > this.#maxArguments()) return this.#fail(faultReplies.unauthenticatedCount)
    if (argc <= 0) {
      this.#carry.length = 0
      this.#state = START
      return skipped
    }
    this.argc = argc
    this.#left = argc
    this.subStart = -1
    this.subEnd = -1
    this.#beginLength()
    return framed.more
  }

  /** The line `$n` is complete; judges whether the request is gathered or streamed from here on. */
  #bulk(): number {
    const first = this.#line.first(this.#carry)
    if (first !== DOLLAR) return this.#fail(expectedDollarReply(first))
    const length = this.#line.value(this.#carry)
    const refusal = this.#lengthFault(length)
    if (refusal !== null) return this.#fail(refusal)
    this.#state = BODY
    this.#remaining = length
    if (this.#streaming) return framed.part
    const index = this.argc - this.#left
    const body = this.#carry.length
    if (index === 0) {
      const isGathered = length <= limits.nameBytes
      this.nameStart = body
      this.nameEnd = isGathered ? body + length : body
      if (!isGathered) return this.#turnBig()
    } else if (body + length + 2 > this.#streamAbove) {
      return this.#turnBig()
    } else if (index === 1) {
      this.subStart = body
      this.subEnd = body + length
    }
    return framed.more
  }

  /** The reply to an argument of a length that is refused, or null. */
  #lengthFault(length: number): Uint8Array | null {
    if (!(length >= 0 && length <= this.#limits.maxBulkBytes)) return faultReplies.invalidLength
    const isLarge = length > limits.unauthenticatedBulkBytes && !this.authenticated
    return isLarge ? faultReplies.unauthenticatedLength : null
  }

  /** What was gathered so far is handed out; the rest of the request goes through as it comes. */
  #turnBig(): number {
    this.#streaming = true
    return this.#handOut(framed.big)
  }

  #gatherBody(chunk: Uint8Array, end: number): void {
    const at = this.position
    const take = Math.min(this.#remaining, end - at)
    this.#carry.append(chunk, at, at + take, this.#remaining + 2)
    this.position = at + take
    this.#remaining -= take
    if (this.#remaining > 0) return
    this.#state = TAIL
    this.#remaining = 2
  }

  /** A byte behind an argument: it belongs to a line end, whatever the client sent. */
  #gatherTail(): number {
    this.#carry.appendByte(this.#remaining === 2 ? CR : LF)
    this.position++
    this.#remaining--
    if (this.#remaining > 0 || !this.#endArgument()) return framed.more
    return this.#handOut(framed.request)
  }

  /** Whether the argument just ended was the request's last. */
  #endArgument(): boolean {
    this.#left--
    if (this.#left > 0) {
      this.#beginLength()
      return false
    }
    this.#state = START
    this.#streaming = false
    return true
  }

  #gatherInline(chunk: Uint8Array, end: number): number {
    const from = this.position
    const to = this.#line.readInline(this.#carry, chunk, from, end, this.#limits.maxInlineBytes)
    this.position = to < 0 ? end : to + 1
    if (to === lineEnds.notYet) return framed.more
    if (to < 0) return this.#fail(faultReplies.inlineTooBig)
    const words = lineWords(this.#carry, chunk, from, to)
    if (words === null) return this.#fail(faultReplies.unbalancedQuotes)
    this.#carry.length = 0
    this.#state = START
    return words.length === 0 ? skipped : this.#inlineRequest(words)
  }

  /** An inline line becomes the request that it stands for. */
  #inlineRequest(words: readonly Uint8Array[]): number {
    const bytes = encodeRequest(words)
    const name = words[0]?.length ?? 0
    const sub = words[1]?.length ?? -1
    this.#carry.drop()
    this.argc = words.length
    this.nameStart = sizeOfLine(words.length) + sizeOfLine(name)
    this.nameEnd = this.nameStart + name
    this.subStart = sub < 0 ? -1 : this.nameEnd + 2 + sizeOfLine(sub)
    this.subEnd = sub < 0 ? -1 : this.subStart + sub
    this.register(bytes, 0, bytes.length, true)
    return framed.request
  }

  /** The carry becomes the consumer's. */
  #handOut(result: number): number {
    this.register(this.#carry.bytes, 0, this.#carry.length, true)
    this.#carry.drop()
    return result
  }

  #fail(reply: Uint8Array): number {
    this.#state = DEAD
    this.#streaming = false
    this.#carry.drop()
    this.clear()
    this.fault = reply
    return framed.fault
  }

  /** Goes on with a request that is handed on in parts, as long as the chunk's bytes will do. */
  #stream(chunk: Uint8Array, end: number): number {
    const from = this.position
    let at = from
    for (;;) {
      if (this.#state === LENGTH) {
        const length = this.#carry.length > 0 ? -1 : readNumber(chunk, at, end, DOLLAR)
        if (length < 0 || this.#lengthFault(length) !== null) {
          return at > from ? this.#part(chunk, from, at) : this.#streamLine(chunk, end)
        }
        at += sizeOfLine(length)
        this.#state = BODY
        this.#remaining = length
      }
      if (this.#state === BODY) {
        const take = Math.min(this.#remaining, end - at)
        at += take
        this.#remaining -= take
        if (this.#remaining > 0) return this.#part(chunk, from, at)
        this.#state = TAIL
        this.#remaining = 2
      }
      while (this.#remaining > 0) {
        if (at === end) return this.#part(chunk, from, at)
        const due = this.#remaining === 2 ? CR : LF
        if (chunk[at] !== due) return at > from ? this.#part(chunk, from, at) : this.#mend(due)
        at++
        this.#remaining--
      }
      if (this.#endArgument()) {
        this.#part(chunk, from, at)
        return framed.partEnd
      }
    }
  }

  /** A part that lies in the chunk, or nothing when it is empty. */
  #part(chunk: Uint8Array, from: number, at: number): number {
    if (at === from) return this.#exhausted()
    this.register(chunk, from, at, false)
    this.position = at
    return framed.part
  }

  /** A part of one byte in place of the wrong one that the client sent. */
  #mend(due: number): number {
    this.position++
    this.#remaining--
    if (due === CR) this.register(crlf, 0, 1, true)
    else this.register(crlf, 1, 2, true)
    return this.#remaining === 0 && this.#endArgument() ? framed.partEnd : framed.part
  }

  /** A length line that is split over chunks, or not canonical, is a part of its own. */
  #streamLine(chunk: Uint8Array, end: number): number {
    const result = this.position === end ? framed.more : this.#gatherLine(chunk, end)
    if (result === framed.more) return this.#exhausted()
    return result === framed.part ? this.#handOut(result) : result
  }
}
