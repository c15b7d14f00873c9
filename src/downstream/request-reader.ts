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
  readonly #framer: RequestFramer
  #upload: Upload | null = null

  constructor(session: Session) {
    this.#session = session
    this.#framer = new RequestFramer(session.context.requestLimits)
  }

  /** A request is being passed on part by part. */
  get isUploading(): boolean {
    return this.#upload !== null
  }

  /** The server allows only small requests before AUTH, where it wants one. */
  limitStrangers(): void {
    const { state, context } = this.#session
    this.#framer.authenticated = state.link.identity.auth !== null || !context.wantsAuth()
  }

  /** Takes requests from `chunk` while the session reads; returns where it stopped. */
  take(chunk: Uint8Array, from: number): number {
    const framer = this.#framer
    const session = this.#session
    const end = chunk.length
    let position = from
    while (session.isReading) {
      const found = framer.next(chunk, position, end)
      if (found === framed.more) return end
      position = framer.position
      if (found === framed.request) position = this.#takeRequest(chunk, position)
      else this.#takeOther(found)
    }
    return position
  }

  /** The way of nearly all commands is the second branch. Returns where to go on. */
  #takeRequest(chunk: Uint8Array, position: number): number {
    const session = this.#session
    const { pin, context } = session
    const { bytes, start, end, nameStart, nameEnd, subStart, subEnd } = this.#framer
    const traits = context.router.lookup(bytes, nameStart, nameEnd, subStart, subEnd)
    const { commands } = context.counters
    if (pin.raw) {
      commands.lease++
      if (!pin.pipe(bytes, start, end)) session.waits.forRoom(null)
    } else if (traits.route === 'lane' && (pin.held || !context.dedicated)) {
      if (pin.held) commands.lease++
      else commands.lane++
      if (traits.verb === 'script-use') context.scripts.touch(bytes, subStart, subEnd)
      if (session.transaction !== null) session.transaction.add(traits, bytes, start, end)
      if (position < chunk.length && this.#mayJoin(traits, chunk)) {
        return this.#takePipeline(traits, chunk, position)
      }
      session.dispatch(session.exchange(traits, bytes, start, end))
    } else {
      if (traits.verb === 'multi' && bytes === chunk) {
        const next = sendRun(session, chunk, start, position)
        if (next > position) return next
      }
      const own = bytes.slice(start, end)
      handle(session, { traits, bytes: own, args: args(own, 0, own.length) })
    }
    return position
  }

  /** May this command, which is in the registers, be followed by others in one piece? */
  #mayJoin(traits: Traits, chunk: Uint8Array): boolean {
    const { pin, state, context } = this.#session
    if (pin.held || state.transaction !== 'none' || state.replies !== 'on') return false
    return isPlain(traits) && this.#framer.bytes === chunk && !context.isHolding()
  }

  /** The plain commands from the one in the registers on go as one piece. Returns where it ends. */
  #takePipeline(first: Traits, chunk: Uint8Array, behind: number): number {
    const session = this.#session
    const framer = this.#framer
    const { router, counters, scripts } = session.context
    const { start } = framer
    let { write } = first
    let commands = 1
    let end = behind
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

  #takeOther(found: number): void {
    const session = this.#session
    const { bytes, start, end, fault } = this.#framer
    if (found === framed.fault) {
      // in the middle of a streamed request there is no place for a reply
      if (this.#upload !== null) session.close('protocol')
      else session.answer(fault)
      session.end('protocol')
    } else if (found === framed.big) {
      this.#upload = beginUpload(session, this.#framer)
    } else {
      this.#upload?.take(bytes, start, end, found === framed.partEnd)
      if (found !== framed.partEnd) return
      this.#upload = null
      // answered before its end, as one that was cut: its link is needed no longer
      if (session.outstanding === 0) session.onLineEmpty()
    }
  }
}
