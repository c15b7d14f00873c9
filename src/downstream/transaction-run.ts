import { isSafeInTransactionRun } from '../routing/arguments.ts'
import type { Traits } from '../routing/traits.ts'
import { pipelineTraits } from './pipeline.ts'
import { bodyIn, onExecuted } from './script-verbs.ts'
import type { Session } from './session.ts'
import { SessionExchange } from './session-exchange.ts'

/** A whole MULTI … EXEC as one command: its outcome is one, and it may not be sent twice. */
const runTraits: Traits = { ...pipelineTraits.writes, name: 'multi…exec', verb: 'exec' }

/** Larger runs get a link of their own rather than stand in everybody's way. */
const maxRunBytes = 64 * 1024

/**
 * If the transaction that begins at `start` is complete in this chunk and harmless to others, sends
 * it as one piece on the shared link, verbatim: nobody can come in between, and every reply is the
 * server's own. Returns where to go on; `position` (behind MULTI) when it was not sent.
 */
export function sendRun(
  session: Session,
  chunk: Uint8Array,
  start: number,
  position: number,
): number {
  const { watch, replies } = session.state
  if (
    session.pinned !== null ||
    session.context.dedicated ||
    watch !== 'none' ||
    replies !== 'on'
  ) {
    return position
  }
  const run = endOfRun(session, chunk, position)
  if (run === null || run.end - start > maxRunBytes) return position
  const { link } = session.state
  const exchange = new SessionExchange(session, runTraits, link, chunk, start, run.end)
  exchange.replies = run.replies
  if (run.scripts.length > 0) {
    exchange.observer = onExecuted(session, run.scripts, run.replies - 1)
  }
  session.context.counters.commands.lane++
  session.dispatch(exchange)
  return run.end
}

function endOfRun(
  session: Session,
  chunk: Uint8Array,
  from: number,
): { end: number; replies: number; scripts: Uint8Array[] } | null {
  const scripts: Uint8Array[] = []
  const { framer: scout } = session.context
  let position = from
  let replies = 1
  while (scout.peek(chunk, position, chunk.length)) {
    position = scout.position
    replies++
    const { nameStart, nameEnd, subStart, subEnd } = scout
    const traits = session.context.router.lookup(chunk, nameStart, nameEnd, subStart, subEnd)
    if (traits.verb === 'exec' || traits.verb === 'discard') {
      return scout.argc === 1 ? { end: position, replies, scripts } : null
    }
    if (!isSafeInTransactionRun(traits)) return null
    const body = bodyIn(session.context, traits, chunk, scout.start, scout.end)
    if (body !== null) scripts.push(new Uint8Array(body))
  }
  return null
}
