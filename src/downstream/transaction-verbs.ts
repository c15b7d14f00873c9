import type { ProxyError } from '../base/errors.ts'
import { endsTransaction, nullArray } from '../protocol/reply.ts'
import { ReplyFramer } from '../protocol/reply-framer.ts'
import { args, lowerAscii, parseInteger } from '../protocol/request.ts'
import { nameReply, noteInfo } from './client-commands.ts'
import { killed } from './client-kill.ts'
import { infoReply, listReply } from './client-lines.ts'
import { identityOf, parseHello, withId } from './greeting.ts'
import { onOk, onWhole } from './observers.ts'
import { onExecuted } from './script-verbs.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'
import type { Observer, SessionExchange } from './session-exchange.ts'
import type { StickyReason } from './session-state.ts'
import { lateUnblock, unblockLate, type LateUnblock } from './transaction-ids.ts'
import { Transaction, type QueuedChange } from './transaction.ts'

/** MULTI: from here to EXEC or DISCARD the client's commands need a link of their own. */
export function multi(session: Session, request: Request): void {
  session.waits.pinned('transaction', () => {
    session.send(request, {
      observer: onOk(() => {
        session.transaction = new Transaction(session.context.limits.transactionBytes)
        session.apply({ what: 'multi' })
      }),
    })
    session.waits.forVerdict()
  })
}

const aborted = Buffer.from('-EXECABORT Transaction discarded because of previous errors.\r\n')
const nothing = new Uint8Array(0)
const discardRequest = Buffer.from('*1\r\n$7\r\nDISCARD\r\n')

/**
 * EXEC. Where the link that held the WATCH was lost, the server can no longer tell whether a key
 * was changed, so the answer is the one for "changed"; a queued command that was lost aborts.
 */
export function exec(session: Session, request: Request): void {
  if (session.state.transaction === 'none') {
    session.send(request)
    session.waits.forVerdict()
    return
  }
  session.waits.whenIdle(() => {
    const reply = replyUnrun(session)
    if (reply !== null) {
      session.pin.tainted = true
      abandoned(session)
      if (!session.hearsPushes) session.sendHidden(discardRequest)
      session.answer(reply, discardRequest)
      return
    }
    session.send(request, { observer: execObserver(session) })
    session.waits.forVerdict()
  })
}

/** What EXEC must be answered without being run; null: it may run. */
function replyUnrun({ state: { transaction, watch, link } }: Session): Uint8Array | null {
  if (transaction === 'flawed') return aborted
  return watch === 'broken' ? nullArray(link.resp) : null
}

/**
 * An EXEC is about to be sent on another link, on which the transaction has been queued again. Where
 * it may not run there, DISCARD goes in its place, and the client hears what EXEC would answer.
 */
export function discardsUnrun(session: Session, exchange: SessionExchange): void {
  const reply = replyUnrun(session)
  if (exchange.traits.verb !== 'exec' || reply === null) return
  exchange.bytes = discardRequest
  exchange.start = 0
  exchange.end = discardRequest.length
  exchange.linkOnly = true
  exchange.observer = {
    onFrame() {
      session.pin.tainted = true
      abandoned(session)
      return reply
    },
    onLost(cause) {
      execLost(session, cause)
      return reply
    },
  }
}

/**
 * EXEC, or a whole transaction, did not come back. Where it was refused on its way the link is as it
 * was before: what is queued or watched there must be nobody's, so the link is left.
 */
export function execLost(session: Session, cause: ProxyError): false {
  abandoned(session)
  if (cause.code === 'MASTERDOWN' || cause.code === 'TRYAGAIN') session.pin.renew()
  return false
}

function execObserver(session: Session): Observer {
  const { changes, scripts } = session.transaction ?? { changes: [], scripts: [] }
  const lost = (cause: ProxyError): boolean => execLost(session, cause)
  const known = onExecuted(session, scripts, 0)
  if (changes.length === 0) {
    const onFrame: Observer['onFrame'] = (frame, last) => {
      if (last) executed(session, frame)
      return known.onFrame(frame, last)
    }
    return { onFrame, onLost: lost }
  }
  const observer = onWhole((reply) => {
    over(session)
    known.onFrame(reply, true)
    session.pin.tainted = true
    return execReply(session, changes, reply)
  })
  return { ...observer, onLost: lost }
}

/** What the array means for the session, and how it must look to its client. */
function execReply(
  session: Session,
  changes: readonly QueuedChange[],
  reply: Uint8Array,
): Uint8Array | null {
  const late: LateUnblock[] = []
  let isOver = false
  const own = withElements(reply, (index, element) => {
    if (isOver) return nothing
    const change = changes.find((each) => each.index === index)
    if (change === undefined) return element
    if (change.verb === 'client-kill') {
      const done = killed(session, args(change.bytes, 0, change.bytes.length), element)
      isOver = done.isSuicide
      return done.reply
    }
    if (element[0] === 0x2d /* - */) return element
    const unblock = lateUnblock(session, change, element)
    if (unblock !== null) late.push(unblock)
    return applyChange(session, change, element)
  })
  session.tracking.settle()
  return unblockLate(session, late, own, (whole, index, element) =>
    withElements(whole, (at, each) => (at === index ? element : each)),
  )
}

/** DISCARD ends the transaction and what was watched. */
export function discard(session: Session, request: Request): void {
  const observer = onOk(() => {
    abandoned(session)
  })
  session.send(request, { observer })
  session.waits.forVerdict()
}

/** WATCH: what is watched lives on the link. */
export function watch(session: Session, request: Request): void {
  session.waits.pinned('watch', () => {
    const observer = onOk(() => {
      session.apply({ what: 'watched' })
    })
    session.send(request, { observer })
    session.waits.forVerdict()
  })
}

/** UNWATCH: also heals a WATCH whose link was lost. */
export function unwatch(session: Session, request: Request): void {
  const observer = onOk(() => {
    session.apply({ what: 'unwatched' })
  })
  session.send(request, { observer })
  session.waits.forVerdict()
}

/** EXEC is answered, and this is the end of its reply. */
export function executed(session: Session, frame: Uint8Array): void {
  // an EXEC that the server does not know has left a transaction on the link: nobody else may have it
  const isError = frame[0] === 0x2d /* - */
  if (isError && !endsTransaction(frame, 0, frame.length)) session.pin.tainted = true
  over(session)
}

/** The transaction is over, whatever came of it, and nothing is watched any more. */
export function over(session: Session): void {
  session.transaction = null
  session.apply({ what: 'transaction-over' })
}

function abandoned(session: Session): void {
  over(session)
  session.tracking.settle()
}

/** The reply to EXEC with its elements changed by `fn`; anything but an array stays as it is. */
function withElements(
  reply: Uint8Array,
  fn: (index: number, element: Uint8Array) => Uint8Array,
): Uint8Array {
  const headerEnd =
    Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).indexOf('\r\n') + 2
  if (reply[0] !== 0x2a /* * */ || headerEnd === reply.length) return reply
  const parts: Uint8Array[] = [reply.subarray(0, headerEnd)]
  const framer = new ReplyFramer()
  let at = headerEnd
  for (let index = 0; at < reply.length; index++) {
    const next = framer.next(reply, at, reply.length)
    if (next < 0) return reply
    const element = reply.subarray(at, next)
    // a message may stand between the elements, and is none of them (Redis up to 7.0)
    const isMessage = element[0] === 0x3e /* > */
    parts.push(isMessage ? element : fn(index, element))
    if (isMessage) index--
    at = next
  }
  return Buffer.concat(parts)
}

/** What changes the connection in a transaction takes effect at EXEC, and stays. */
function applyChange(session: Session, change: QueuedChange, element: Uint8Array): Uint8Array {
  const given = args(change.bytes, 0, change.bytes.length)
  const first = given[1] ?? new Uint8Array(0)
  const number = parseInteger(first)
  switch (change.verb) {
    case 'select':
      if (number !== undefined) session.apply({ what: 'selected', db: number })
      return element
    case 'auth':
      session.apply({ what: 'authenticated', identity: identityOf(given.slice(1)) })
      return element
    case 'hello':
      return applyHello(session, given, element)
    case 'script-flush':
      session.context.scripts.forget()
      return element
    case 'client-setname':
      session.apply({
        what: 'named',
        name: Buffer.from(given[2] ?? new Uint8Array(0)).toString('latin1'),
      })
      return element
    case 'client-tracking':
      session.tracking.confirmed(given)
      return element
    case 'client-setinfo':
      noteInfo(session, given)
      return element
    case 'client-no-evict':
      return applySticky(session, 'no-evict', given, element)
    case 'client-no-touch':
      return applySticky(session, 'no-touch', given, element)
    case 'client-getname':
      return nameReply(session)
    case 'client-info':
      return infoReply(session, element)
    case 'client-list':
      return listReply(session, given, element)
    case 'client-getredir':
    case 'client-trackinginfo':
      return session.tracking.shown(element)
    case 'client-id':
      return Buffer.from(`:${String(session.id)}\r\n`)
    default:
      return element
  }
}

/** CLIENT NO-EVICT, NO-TOUCH: the link stays the client's while one of them is on. */
function applySticky(
  session: Session,
  reason: StickyReason,
  given: Uint8Array[],
  element: Uint8Array,
): Uint8Array {
  const on = lowerAscii(given[2] ?? new Uint8Array(0)) === 'on'
  session.apply({ what: 'sticky', reason, on })
  return element
}

function applyHello(session: Session, given: Uint8Array[], element: Uint8Array): Uint8Array {
  const hello = parseHello(given)
  if (hello instanceof Uint8Array) return element
  if (hello.auth !== null) {
    session.apply({ what: 'authenticated', identity: identityOf(hello.auth) })
  }
  if (hello.resp !== null) session.apply({ what: 'protocol', resp: hello.resp })
  if (hello.name !== null) {
    session.apply({ what: 'named', name: Buffer.from(hello.name).toString('latin1') })
  }
  return withId(element, session.id)
}
