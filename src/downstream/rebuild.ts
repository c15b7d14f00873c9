import { args, encodeRequest } from '../protocol/request.ts'
import { blockingTimeout, withTimeout } from '../routing/arguments.ts'
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
  if (session.state.sticky.has('tracking')) commands.push(...trackAgain(session))
  if (session.state.transaction !== 'none') {
    // those that the server had not confirmed are still on their way, and are sent again anyway
    const queued = session.transaction?.queued ?? null
    commands.push(session.hidden(encodeRequest(['MULTI']), orClose(session)))
    if (queued === null) session.apply({ what: 'transaction-flawed' })
    else for (const bytes of queued) commands.push(session.hidden(bytes))
  }
  return commands
}

const flushed = Buffer.from('>2\r\n$10\r\ninvalidate\r\n_\r\n')

/**
 * What the lost link's server knew of the client's cache is gone: the client must forget all of it,
 * and the new server is told to begin again. A redirect leads to another session's link, which may be
 * lost as well: only a closed connection is the truth then.
 */
function trackAgain(session: Session): SessionExchange[] {
  const { trackingRequest } = session
  if (session.redirect !== null) {
    session.onPinBroken()
    return []
  }
  if (trackingRequest === null) return [] // the link of a client that others redirect to
  if (session.state.link.resp === 3) session.onPush(flushed, 0, flushed.length)
  return [session.hidden(trackingRequest, orClose(session))]
}

/** Where the state cannot be brought back, only a closed connection tells the client the truth. */
function orClose(session: Session): Observer {
  return {
    onFrame(frame) {
      if (frame[0] === 0x2d /* - */) session.onPinBroken()
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
    const nil = Buffer.from(exchange.state.resp === 2 ? '*-1\r\n' : '_\r\n')
    exchange.onReply(nil, 0, nil.length, true)
    exchange.abandoned = true
    return
  }
  exchange.bytes = encodeRequest(withTimeout(exchange.traits, given, remainingMs))
  exchange.start = 0
  exchange.end = exchange.bytes.length
}
