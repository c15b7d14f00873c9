import { ProxyError } from '../base/errors.ts'
import type { Exchange } from '../dispatcher.ts'
import { endsTransaction } from '../protocol/reply.ts'
import { ReplyFramer } from '../protocol/reply-framer.ts'
import type { Link, LinkContext } from './link.ts'

/** A reply that is split over reads is held together up to this size; larger ones are streamed. */
const streamAboveBytes = 64 * 1024

const typeArray = 0x2a
const typePush = 0x3e
const typeError = 0x2d

const nothing = new Uint8Array(0)

/** A whole reply: `bytes[start, end)`. */
interface Frame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** What the frame in progress has turned out to be, once parts of it have been worked off. */
type Streaming = 'no' | 'reply' | 'push' | 'unwanted'

/**
 * The receiving half of a link: cuts the stream into frames and gives each to the command at the
 * head of the line, or to the lease's owner where a frame answers no command.
 */
export class Inbox {
  /** A part of the head's reply has been passed on already. */
  begun = false
  /** The server on this link has refused a command as "not the master": ask about every reply. */
  suspect = false
  /** Replies and requests are no longer paired. */
  rawMode = false

  readonly #link: Link
  readonly #context: LinkContext
  readonly #framer = new ReplyFramer()
  #streaming: Streaming = 'no'
  /** Frames that the head still needs; 0 until its first frame comes. */
  #left = 0
  /** Replies to the pipeline at the head that lie together and are passed on together: from, to. */
  #joined: Uint8Array = nothing
  #joinedFrom = 0
  #joinedTo = 0
  /** Replies of a transaction that was sent as one piece, until its last. */
  readonly #run: Frame[] = []
  /** One stall a reply: afterwards the others go first, whatever the slow reader does. */
  #stallSpent = false
  #cancelStall: (() => void) | null = null
  /** The reply of the head, a script, while the server is asked whether it is a master. */
  #doubt: Frame | null = null

  constructor(link: Link, context: LinkContext) {
    this.#link = link
    this.#context = context
  }

  /**
   * Takes what was read: new are `bytes[scan, end)`, and the frame that they go on with begins at
   * `from`. Returns where the frame begins of which not all is here yet, or that must wait; `end`:
   * there is none. What waits is given again, from its beginning on, by the link's `goOn`.
   */
  take(bytes: Uint8Array, from: number, scan: number, end: number): number {
    try {
      return this.#takeFrames(bytes, from, scan, end)
    } finally {
      if (this.#joinedTo > 0) this.#giveJoined()
    }
  }

  #takeFrames(bytes: Uint8Array, from: number, scan: number, end: number): number {
    let start = from
    let position = scan
    while (position < end) {
      if (this.#doubt !== null) return start
      // what we sent before (a SELECT of ours) is still answered to us
      if (this.rawMode && this.#link.inFlight.size === 0) {
        this.#link.owner?.onPush(bytes, start, end, true)
        return end
      }
      const next = this.#framer.next(bytes, position, end)
      if (next < 0) return this.#takePart(bytes, start, end)
      if (this.#streaming !== 'no') this.#pass(bytes, start, next, true)
      else this.#takeFrame(bytes, start, next)
      if (this.#link.closed) return end
      start = next
      position = next
    }
    return end
  }

  /**
   * The link is about to be closed: what has come is worked off as far as that goes without an answer
   * of the server. Fenced: it is known to be no master. Else what it said is all that will be known.
   */
  conclude(cause: ProxyError): void {
    while (this.#doubt !== null && !this.#link.closed) {
      // a lease is fenced too when its client has left, and then its server may be as sound as ever
      const isOwned = this.#link.inFlight.peek()?.abandoned === false
      this.#settle(cause.code === 'FENCED' && isOwned)
      this.#link.goOn()
    }
    this.#cancelStall?.()
    this.#cancelStall = null
  }

  #takeFrame(bytes: Uint8Array, start: number, end: number): void {
    const link = this.#link
    const type = this.#framer.type
    if (link.owner !== null && (type === typePush || type === typeArray)) {
      if (link.owner.isPush(type, bytes, start, end)) {
        link.owner.onPush(bytes, start, end, true)
        return
      }
    }
    let head = link.inFlight.peek()
    if (head === undefined || (type === typePush && link.owner === null)) throw unasked(type)
    if (head.commands > 1) {
      if (type !== typeError && !this.suspect) {
        this.#join(head, bytes, start, end)
        return
      }
      head = this.#split(head)
    }
    if (type === typeError && head.replies === 1 && link.arbiter.doubts(head, bytes, start, end)) {
      this.#askFirst({ bytes, start, end })
      return
    }
    if (type === typeError || this.suspect) {
      if (head.replies === 1 && link.arbiter.takesBack(head, bytes, start, end)) {
        this.suspect = true
        this.#shift(false)
        this.#leaveIfSuspect()
        return
      }
    }
    if (head.replies > 1 && !head.errorEnds) this.#answerRun(head, bytes, start, end)
    else this.#answer(head, bytes, start, end, type === typeError)
    if (this.suspect) this.#leaveIfSuspect()
  }

  /** The next reply to a pipeline: an ordinary one, of which nobody wants to know more. */
  #join(pipeline: Exchange, bytes: Uint8Array, start: number, end: number): void {
    if (this.#joinedTo === 0) {
      this.#joined = bytes
      this.#joinedFrom = start
    }
    this.#joinedTo = end
    this.#link.commands--
    if (++pipeline.answered === pipeline.commands) this.#giveJoined()
  }

  #giveJoined(): void {
    const bytes = this.#joined
    const from = this.#joinedFrom
    const to = this.#joinedTo
    this.#joined = nothing
    this.#joinedTo = 0
    const pipeline = this.#link.inFlight.peek()
    if (pipeline === undefined) return
    this.#hand(pipeline, bytes, from, to, pipeline.answered === pipeline.commands)
  }

  /** From here on each command of the pipeline at the head is answered by itself. */
  #split(pipeline: Exchange): Exchange {
    if (this.#joinedTo > 0) this.#giveJoined()
    return this.#link.splitHead(pipeline)
  }

  #askFirst(frame: Frame): void {
    const link = this.#link
    this.#doubt = frame
    link.pause()
    void this.#context.isRefuted().then((isRefuted) => {
      if (link.closed) return
      this.#context.turn.begin()
      this.#settle(isRefuted)
      this.#context.turn.end()
      if (this.#cancelStall === null) link.resume()
      link.goOn()
    })
  }

  /** It is known what becomes of the script at the head. */
  #settle(isRefuted: boolean): void {
    const doubt = this.#doubt
    const head = this.#link.inFlight.peek()
    this.#doubt = null
    if (doubt === null || head === undefined) return
    if (!isRefuted) {
      this.#answer(head, doubt.bytes, doubt.start, doubt.end, true)
      return
    }
    this.suspect = true
    this.#shift(false)
    this.#link.arbiter.takesBackScript(head)
    if (!this.#link.closed) this.#leaveIfSuspect()
  }

  /** A session on a lease can only go on elsewhere, once all that was sent has come back. */
  #leaveIfSuspect(): void {
    const link = this.#link
    if (link.owner === null || link.inFlight.size > 0) return
    link.destroy(new ProxyError('FENCED', 'the server on a lease is no master any more'))
  }

  /**
   * One of the replies to a transaction that was sent as one piece. They are kept until the last has
   * come: where it is EXECABORT because the server was no master, nothing of it ran, and all of it
   * is taken back.
   */
  #answerRun(head: Exchange, bytes: Uint8Array, start: number, end: number): void {
    const isLast = this.#run.length === head.replies - 1
    if (!isLast) {
      this.#run.push({ bytes, start, end })
      return
    }
    const isAborted = bytes[start] === typeError
    if (isAborted && this.#isRefused(head, { bytes, start, end })) {
      this.#run.length = 0
      this.suspect = true
      this.#shift(false)
      return
    }
    this.#answer(head, bytes, start, end, false)
    if (isAborted && !endsTransaction(bytes, start, end)) {
      throw new ProxyError('PROTOCOL', 'a shared link was left in a transaction')
    }
  }

  /** Does one of the replies say that the server is no master? */
  #isRefused(head: Exchange, last: Frame): boolean {
    return [...this.#run, last].some(
      ({ bytes, start, end }) =>
        bytes[start] === typeError && this.#link.arbiter.takesBack(head, bytes, start, end),
    )
  }

  /** Passes on what was kept of a run. */
  #releaseRun(head: Exchange): void {
    for (const { bytes, start, end } of this.#run.splice(0)) {
      head.onReply(bytes, start, end, false)
    }
    this.#left = 1
  }

  #answer(head: Exchange, bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    if (this.#run.length > 0) this.#releaseRun(head)
    if (this.#left === 0) this.#left = head.replies
    const last = --this.#left <= 0 || (isEnd && head.errorEnds)
    if (last) this.#left = 0
    this.#hand(head, bytes, start, end, last)
  }

  #hand(head: Exchange, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const isSpent = this.#stallSpent
    if (last) this.#shift(true)
    if (!head.onReply(bytes, start, end, last) && !isSpent) this.#slowReader(head)
  }

  /** The head has its reply, or was taken back. */
  #shift(isAnswered: boolean): void {
    const head = this.#link.inFlight.shift()
    if (head !== undefined) this.#link.onEnded(head, isAnswered)
    this.#link.written--
    this.begun = false
    this.#stallSpent = false
  }

  /** Takes a piece of a frame. Returns where the frame begins, or `end` if that piece is passed on. */
  #takePart(bytes: Uint8Array, start: number, end: number): number {
    if (this.#streaming === 'no') {
      if (end - start <= streamAboveBytes) return start
      this.#streaming = this.#beginStream(bytes, start, end)
    }
    this.#pass(bytes, start, end, false)
    return end
  }

  /** What is the frame that is too large to be held together? */
  #beginStream(bytes: Uint8Array, start: number, end: number): Streaming {
    const link = this.#link
    const { owner } = link
    const type = this.#framer.type
    const isPush =
      owner !== null &&
      (type === typePush || type === typeArray) &&
      owner.isPush(type, bytes, start, end)
    if (isPush) return 'push'
    const head = link.inFlight.peek()
    if (head === undefined || (type === typePush && owner === null)) throw unasked(type)
    const first = head.commands > 1 ? this.#split(head) : head
    const isTakenBack =
      this.suspect && first.replies === 1 && link.arbiter.takesBack(first, bytes, start, end)
    if (!isTakenBack) return 'reply'
    this.#shift(false)
    return 'unwanted'
  }

  /** Passes on a piece of a large frame. */
  #pass(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const link = this.#link
    const streaming = this.#streaming
    if (isLast) this.#streaming = 'no'
    if (streaming === 'push') {
      link.owner?.onPush(bytes, start, end, isLast)
      return
    }
    if (streaming === 'unwanted') {
      this.#context.memory.arrival.gone(bytes, start, end)
      if (isLast) this.#leaveIfSuspect()
      return
    }
    const head = link.inFlight.peek()
    if (head === undefined) throw unasked(this.#framer.type)
    if (isLast) {
      this.#answer(head, bytes, start, end, false)
    } else {
      if (this.#run.length > 0) this.#releaseRun(head)
      this.begun = true
      if (!head.onReply(bytes, start, end, false)) this.#slowReader(head)
    }
  }

  /** The link waits for a slow reader: without end where it is alone, else once and briefly. */
  #slowReader(head: Exchange): void {
    const link = this.#link
    if (this.#cancelStall !== null) return
    if (link.owner === null && this.#stallSpent) return
    const go = (): void => {
      this.#cancelStall?.()
      this.#cancelStall = null
      link.resume()
    }
    link.pause()
    if (link.owner === null) this.#limitStall(go)
    head.onResume(go)
  }

  /** Ends a stall after its time, once somebody else waits for this link too. */
  #limitStall(go: () => void): void {
    const { clock, options } = this.#context
    this.#cancelStall = clock.after(options.slowReaderStallMs, () => {
      if (this.#link.inFlight.size <= 1) {
        this.#limitStall(go)
        return
      }
      this.#stallSpent = true
      go()
    })
  }
}

function unasked(type: number): ProxyError {
  return new ProxyError('PROTOCOL', `a '${String.fromCharCode(type)}' frame that answers nothing`)
}
