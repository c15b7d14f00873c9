import { decodeReply, isReplyError, type Reply } from '../protocol/reply.ts'
import { args as argsOf, lowerAscii, parseInteger } from '../protocol/request.ts'
import { onOk, onReplyDone, onWhole } from './observers.ts'
import type { Request, Session } from './session.ts'
import type { Observer } from './session-exchange.ts'
import { Transaction, type QueuedChange } from './transaction.ts'

/** MULTI: from here to EXEC or DISCARD the client's commands need a link of their own. */
export function multi(session: Session, request: Request): void {
  session.pinned('transaction', () => {
    session.send(request, {
      observer: onOk(() => {
        session.transaction = new Transaction(session.context.limits.transactionBytes)
        session.apply({ what: 'multi' })
      }),
    })
    session.waitForVerdict()
  })
}

const aborted = Buffer.from(
  '-EXECABORT Transaction discarded because of previous errors.\r\n',
)
const discardRequest = Buffer.from('*1\r\n$7\r\nDISCARD\r\n')

/**
 * EXEC. Where the link that held the WATCH was lost, the server can no longer tell whether a key
 * was changed, so the answer is the one for "changed"; a queued command that was lost aborts.
 */
export function exec(session: Session, request: Request): void {
  const { transaction, watch } = session.state
  if (transaction === 'none') {
    session.send(request)
    session.waitForVerdict()
    return
  }
  session.whenIdle(() => {
    if (session.state.transaction === 'flawed' || watch === 'broken') {
      const isFlawed = session.state.transaction === 'flawed'
      session.sendHidden(discardRequest)
      session.pin.tainted = true
      over(session)
      session.answer(isFlawed ? aborted : nilOf(session.state.link.resp))
      return
    }
    session.send(request, { observer: execObserver(session) })
    session.waitForVerdict()
  })
}

function execObserver(session: Session): Observer {
  const changes = session.transaction?.changes ?? []
  const lost = (): boolean => {
    over(session)
    return false
  }
  if (changes.length === 0) {
    return {
      ...onReplyDone(() => {
        over(session)
      }),
      onLost: lost,
    }
  }
  const observer = onWhole((reply) => {
    over(session)
    session.pin.tainted = true
    applyChanges(session, changes, decodeReply(reply, 0, reply.length))
    return reply
  })
  return { ...observer, onLost: lost }
}

/** DISCARD ends the transaction and what was watched. */
export function discard(session: Session, request: Request): void {
  const observer = onOk(() => {
    over(session)
  })
  session.send(request, { observer })
  session.waitForVerdict()
}

/** WATCH: what is watched lives on the link. */
export function watch(session: Session, request: Request): void {
  session.pinned('watch', () => {
    const observer = onOk(() => {
      session.apply({ what: 'watched' })
    })
    session.send(request, { observer })
    session.waitForVerdict()
  })
}

/** UNWATCH: also heals a WATCH whose link was lost. */
export function unwatch(session: Session, request: Request): void {
  const observer = onOk(() => {
    session.apply({ what: 'unwatched' })
  })
  session.send(request, { observer })
  session.waitForVerdict()
}

function over(session: Session): void {
  session.transaction = null
  session.apply({ what: 'transaction-over' })
}

function nilOf(resp: 2 | 3): Uint8Array {
  return Buffer.from(resp === 2 ? '*-1\r\n' : '_\r\n')
}

/** SELECT and HELLO in a transaction take effect at EXEC, and stay. */
function applyChanges(session: Session, changes: readonly QueuedChange[], reply: Reply): void {
  if (!Array.isArray(reply)) return
  const results: readonly Reply[] = reply
  for (const { index, verb, bytes } of changes) {
    const result = results[index]
    if (result === undefined || isReplyError(result)) continue
    const number = parseInteger(argsOf(bytes, 0, bytes.length)[1] ?? new Uint8Array(0))
    if (verb === 'select' && number !== undefined) session.apply({ what: 'selected', db: number })
    if (verb === 'hello' && (number === 2 || number === 3)) {
      session.apply({ what: 'protocol', resp: number })
    }
    if (verb === 'client-setname') {
      const name = argsOf(bytes, 0, bytes.length)[2] ?? new Uint8Array(0)
      session.apply({ what: 'named', name: lowerAscii(name) })
    }
  }
}
