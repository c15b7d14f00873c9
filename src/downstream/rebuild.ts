import { nullArray } from '../protocol/reply.ts'
import { args, encodeRequest } from '../protocol/request.ts'
import { blockingTimeout, withTimeout } from '../routing/arguments.ts'
import { queuedRenewal } from './transaction-ids.ts'
import type { Queued } from './transaction.ts'
import { unblocked } from './wait.ts'
import type { Session } from './session.ts'
import type { Observer, SessionExchange } from './session-exchange.ts'

/** The commands that give a new link the state that the session's lost link had. */
export function rebuildCommands(session: Session): SessionExchange[] {
  const commands: SessionExchange[] = []
  for (const { request, frames } of session.subscriptions.rebuild()) {
    const exchange = session.hidden(request, orClose(session))
    exchange.replies = frames
    exchange.errorEnds = true
    commands.push(exchange)
  }
  for (const reason of session.state.sticky) {
    if (reason !== 'no-evict' && reason !== 'no-touch') continue
    commands.push(session.hidden(encodeRequest(['CLIENT', reason, 'ON'])))
  }
  commands.push(...session.tracking.again())
  if (session.state.transaction !== 'none') {
    // those that the server had not confirmed are still on their way, and are sent again anyway
    const queued = session.transaction?.queued ?? null
    commands.push(session.hidden(encodeRequest(['MULTI']), orClose(session)))
    if (queued === null) session.apply({ what: 'transaction-flawed' })
    else for (const each of queued) commands.push(queuedAgain(session, each))
  }
  return commands
}

function queuedAgain(session: Session, { traits, bytes }: Queued): SessionExchange {
  const given = args(bytes, 0, bytes.length)
  const renew = queuedRenewal(session, { traits, bytes, args: given })
  const target = traits.verb === 'client-tracking' ? session.tracking.targetOf(given) : undefined
  // its link is lost as well: what cannot be queued as it was must not run in part
  if (target?.serverId === 0) session.apply({ what: 'transaction-flawed' })
  return session.hidden(renew?.() ?? bytes)
}

/** Where the state cannot be brought back, only a closed connection tells the client the truth. */
function orClose(session: Session): Observer {
  return {
    onFrame(frame) {
      if (frame[0] === 0x2d /* - */) session.close('lease-lost')
      return null
    },
    onLost: () => true,
  }
}

/**
 * A blocking command is issued again with the time that remains of what its client asked for;
 * where none remains it is answered as the server would answer.
 */
export function timeLeft(session: Session, exchange: SessionExchange): void {
  if (exchange.hidden) {
    exchange.abandoned = true // of an earlier rebuilding: it has been made anew
    return
  }
  if (exchange.renew !== null) {
    exchange.bytes = exchange.renew()
    exchange.start = 0
    exchange.end = exchange.bytes.length
    return
  }
  if (exchange.traits.verb === 'wait') {
    // what the old master acknowledged, no replica of the new one proves
    session.wroteIn = 0
    exchange.onReply(unblocked, 0, unblocked.length, true)
    exchange.abandoned = true
    return
  }
  if (!exchange.waitsInside) return
  const given = args(exchange.bytes, exchange.start, exchange.end)
  const timeout = blockingTimeout(exchange.traits, given)
  if (timeout === null || timeout.value === 0) return
  const wantedMs = timeout.unit === 's' ? timeout.value * 1000 : timeout.value
  const remainingMs = exchange.startedAt + wantedMs - session.context.clock.now()
  if (remainingMs <= 0) {
    const nil = nullArray(exchange.state.resp)
    exchange.onReply(nil, 0, nil.length, true)
    exchange.abandoned = true
    return
  }
  exchange.bytes = encodeRequest(withTimeout(exchange.traits, given, remainingMs))
  exchange.start = 0
  exchange.end = exchange.bytes.length
}
