import { args } from '../protocol/request.ts'
import type { RequestFramer } from '../protocol/request-framer.ts'
import { marksLink, type Traits } from '../routing/traits.ts'
import type { Session } from './session.ts'
import { isPlainScript } from './script-verbs.ts'
import { handle } from './verbs.ts'

/** A request that is larger than what is gathered, while its parts come in. */
export interface Upload {
  take(bytes: Uint8Array, start: number, end: number, last: boolean): void
}

/**
 * Nobody else can use a link while a request is being written to it, so a large one gets a link of
 * its own and is passed on as it comes. Only what the session itself must read is gathered.
 */
export function beginUpload(session: Session, framer: RequestFramer): Upload {
  const { bytes, start, end, nameStart, nameEnd, subStart, subEnd } = framer
  const traits = session.context.router.lookup(bytes, nameStart, nameEnd, subStart, subEnd)
  const beginning = bytes.slice(start, end)
  const isRead = traits.verb !== null && !isPlainScript(traits)
  if (isRead) return new GatheredUpload(session, traits, beginning)
  return new StreamedUpload(session, traits, beginning)
}

/** Passed on part by part over a lease. */
class StreamedUpload implements Upload {
  readonly #session: Session
  #exchange: ReturnType<Session['send']> | null = null

  constructor(session: Session, traits: Traits, beginning: Uint8Array) {
    this.#session = session
    session.waits.pinned('upload', () => {
      session.transaction?.addUnkept()
      if (marksLink(traits)) session.pin.tainted = true
      const exchange = session.send({ traits, bytes: beginning, args: [] }, { streamed: true })
      this.#exchange = exchange
    })
  }

  take(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const exchange = this.#exchange
    // without an exchange no link was to be had: the client has been told, the rest is dropped
    if (exchange === null) return
    if (!exchange.done) {
      if (!this.#session.pin.pipe(bytes, start, end)) this.#session.waits.forRoom(null)
    }
    if (last) {
      exchange.body = 'received'
      this.#session.waits.forVerdict()
    }
  }
}

/** The most that is gathered of a command that the session must read (SUBSCRIBE with many names). */
const gatheredBytes = 16 * 1024 * 1024

const tooLarge = Buffer.from('-ERR Protocol error: too big request for this command\r\n')

class GatheredUpload implements Upload {
  readonly #session: Session
  readonly #traits: Traits
  #parts: Uint8Array[]
  #bytes: number

  constructor(session: Session, traits: Traits, beginning: Uint8Array) {
    this.#session = session
    this.#traits = traits
    this.#parts = [beginning]
    this.#bytes = beginning.length
  }

  take(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#parts.push(bytes.slice(start, end))
    this.#bytes += end - start
    if (this.#bytes > gatheredBytes) {
      this.#parts = []
      this.#session.answer(tooLarge)
      this.#session.end('protocol')
    } else if (last) {
      const own = Buffer.concat(this.#parts)
      handle(this.#session, { traits: this.#traits, bytes: own, args: args(own, 0, own.length) })
    }
  }
}
