import { args } from '../protocol/request.ts'
import { framed, RequestFramer } from '../protocol/request-framer.ts'
import type { Traits } from '../routing/traits.ts'
import { isPlain, pipelineTraits } from './pipeline.ts'
import type { Session } from './session.ts'
import { sendRun } from './transaction-run.ts'
import { beginUpload, type Upload } from './upload.ts'
import { handle } from './verbs.ts'

/** Cuts what a client sends into requests and starts each on its way. */
export class RequestReader {
  readonly #session: Session
  /** For requests that are not whole in one read; null until there is one. */
  #own: RequestFramer | null = null
  /** The last read ended within a request, which `#own` has. */
  #isWithin = false
  #authenticated = true
  #upload: Upload | null = null

  constructor(session: Session) {
    this.#session = session
  }

  /** A request is being passed on part by part. */
  get isUploading(): boolean {
    return this.#upload !== null
  }

  /** The server allows only small requests before AUTH, where it wants one. */
  limitStrangers(): void {
    const { state, context } = this.#session
    this.#authenticated = state.link.identity.auth !== null || !context.wantsAuth()
    if (this.#own !== null) this.#own.authenticated = this.#authenticated
  }

  /** Takes requests from `chunk` while the session reads; returns where it stopped. */
  take(chunk: Uint8Array, from: number): number {
    const session = this.#session
    const { framer } = session.context
    const end = chunk.length
    let position = from
    while (session.isReading) {
      if (!this.#isWithin) {
        framer.authenticated = this.#authenticated
        if (framer.peek(chunk, position, end)) {
          position = this.#takeRequest(framer, chunk)
          continue
        }
        if (position === end) return end
      }
      const own = (this.#own ??= this.#newFramer())
      const found = own.next(chunk, position, end)
      this.#isWithin = found !== framed.request && found !== framed.partEnd
      if (found === framed.more) return end
      position = own.position
      if (found === framed.request) position = this.#takeRequest(own, chunk)
      else this.#takeOther(own, found)
    }
    return position
  }

  #newFramer(): RequestFramer {
    const framer = new RequestFramer(this.#session.context.requestLimits)
    framer.authenticated = this.#authenticated
    return framer
  }

  /** The way of nearly all commands is the second branch. Returns where to go on. */
  #takeRequest(framer: RequestFramer, chunk: Uint8Array): number {
    const session = this.#session
    const { pinned, context } = session
    const { bytes, start, end, position, nameStart, nameEnd, subStart, subEnd } = framer
    const traits = context.router.lookup(bytes, nameStart, nameEnd, subStart, subEnd)
    const { commands } = context.counters
    if (pinned?.raw === true) {
      commands.lease++
      if (!pinned.pipe(bytes, start, end)) session.waits.forRoom(null)
    } else if (traits.route === 'lane' && (pinned !== null || !context.dedicated)) {
      if (pinned !== null) commands.lease++
      else commands.lane++
      if (traits.verb === 'script-use') context.scripts.touch(bytes, subStart, subEnd)
      if (session.transaction !== null) session.transaction.add(traits, bytes, start, end)
      if (position < chunk.length && bytes === chunk && this.#mayJoin(traits)) {
        return this.#takePipeline(framer, traits, chunk)
      }
      session.dispatch(session.exchange(traits, bytes, start, end))
    } else {
      if (traits.verb === 'multi' && bytes === chunk) {
        const next = sendRun(session, framer, chunk)
        if (next > position) return next
      }
      const own = bytes.slice(start, end)
      handle(session, { traits, bytes: own, args: args(own, 0, own.length) })
    }
    return position
  }

  /** May this command be followed by others in one piece? */
  #mayJoin(traits: Traits): boolean {
    const { pinned, state, context } = this.#session
    if (pinned !== null || state.transaction !== 'none' || state.replies !== 'on') return false
    return isPlain(traits) && !context.isHolding()
  }

  /** The plain commands from the one in the registers on go as one piece. Returns where it ends. */
  #takePipeline(framer: RequestFramer, first: Traits, chunk: Uint8Array): number {
    const session = this.#session
    const { router, counters, scripts } = session.context
    const { start } = framer
    let { write } = first
    let commands = 1
    let end = framer.position
    while (framer.peek(chunk, end, chunk.length)) {
      const { nameStart, nameEnd, subStart, subEnd } = framer
      const traits = router.lookup(chunk, nameStart, nameEnd, subStart, subEnd)
      if (!isPlain(traits)) break
      if (traits.verb === 'script-use') scripts.touch(chunk, subStart, subEnd)
      if (traits.write) write = true
      end = framer.position
      commands++
    }
    const traits = write ? pipelineTraits.writes : pipelineTraits.reads
    const exchange = session.exchange(commands === 1 ? first : traits, chunk, start, end)
    exchange.commands = commands
    counters.commands.lane += commands - 1
    session.dispatch(exchange)
    return end
  }

  #takeOther(framer: RequestFramer, found: number): void {
    const session = this.#session
    const { bytes, start, end, fault } = framer
    if (found === framed.fault) {
      // in the middle of a streamed request there is no place for a reply
      if (this.#upload !== null) session.close('protocol')
      else session.answer(fault)
      session.end('protocol')
    } else if (found === framed.big) {
      this.#upload = beginUpload(session, framer)
    } else {
      this.#upload?.take(bytes, start, end, found === framed.partEnd)
      if (found !== framed.partEnd) return
      this.#upload = null
      // answered before its end, as one that was cut: its link is needed no longer
      if (session.outstanding === 0) session.onLineEmpty()
    }
  }
}
