import { nullArray } from '../protocol/reply.ts'
import type { RequestFramer } from '../protocol/request-framer.ts'
import { isSafeInTransactionRun } from '../routing/arguments.ts'
import type { Traits } from '../routing/traits.ts'
import { pipelineTraits } from './pipeline.ts'
import { bodyIn, onExecuted } from './script-verbs.ts'
import type { Session } from './session.ts'
import type { Observer, SessionExchange } from './session-exchange.ts'
import { execLost, executed } from './transaction-verbs.ts'

const plus = 0x2b

/** A whole MULTI … EXEC as one command: its outcome is one, and it may not be sent twice. */
const runTraits: Traits = { ...pipelineTraits.writes, name: 'multi…exec', verb: 'exec' }

/** Larger runs get a link of their own rather than stand in everybody's way. */
const maxRunBytes = 64 * 1024

/** A transaction that is complete in what was read. */
interface Run {
  readonly end: number
  readonly replies: number
  readonly scripts: Uint8Array[]
}

/**
 * If the transaction that begins with the MULTI in `framer` is complete in this chunk and harmless to
 * others, sends it as one piece, verbatim: on the shared link nobody can come in between, on the
 * client's own it is one way there and back instead of one for each step. Every reply is the server's.
 * Returns where to go on; behind MULTI when it was not sent.
 */
export function sendRun(session: Session, framer: RequestFramer, chunk: Uint8Array): number {
  const { start, position, argc } = framer
  const { pinned, context } = session
  if (argc !== 1 || (pinned === null ? !mayShare(session) : !mayRunAlone(session))) return position
  const run = endOfRun(session, chunk, position)
  if (run === null || run.end - start > maxRunBytes) return position
  const exchange = session.exchange(runTraits, chunk, start, run.end)
  exchange.replies = run.replies
  if (pinned !== null || run.scripts.length > 0) {
    const known = onExecuted(session, run.scripts, run.replies - 1)
    exchange.observer = pinned === null ? known : onRunOver(session, known)
  }
  context.counters.commands[pinned === null ? 'lane' : 'lease']++
  session.dispatch(exchange)
  if (pinned !== null) session.waits.forVerdict()
  return run.end
}

function mayShare({ state: { watch, replies }, context }: Session): boolean {
  return !context.dedicated && watch === 'none' && replies === 'on'
}

/** Nothing of the server's may stand between the replies, and what was watched is still watched. */
function mayRunAlone({ state: { watch, replies, transaction }, hearsPushes }: Session): boolean {
  return transaction === 'none' && watch !== 'broken' && replies === 'on' && !hearsPushes
}

/** The transaction is over, and nothing is watched, unless the server has refused MULTI. */
function onRunOver(session: Session, known: Observer): Observer {
  let isFirst = true
  let isOpen = true
  return {
    onFrame(frame, last) {
      if (isFirst) isOpen = frame[0] === plus
      isFirst = false
      if (last && isOpen) executed(session, frame)
      return known.onFrame(frame, last)
    },
    onLost: (cause) => execLost(session, cause),
  }
}

/**
 * The run did not reach a server that knew what was watched: it is answered as if that had changed.
 * false: it is none, or nothing was watched, and it may go to the next master.
 */
export function endsUnrun(session: Session, exchange: SessionExchange): boolean {
  if (exchange.traits !== runTraits || session.state.watch !== 'broken') return false
  const queued = '+QUEUED\r\n'.repeat(exchange.replies - 2)
  const reply = Buffer.concat([Buffer.from(`+OK\r\n${queued}`), nullArray(exchange.state.resp)])
  exchange.onReply(reply, 0, reply.length, true)
  exchange.abandoned = true
  return true
}

function endOfRun(session: Session, chunk: Uint8Array, from: number): Run | null {
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
      // DISCARD answers no array, and of what was watched it may be the last word: step by step
      if (traits.verb === 'discard' && session.pinned !== null) return null
      return scout.argc === 1 ? { end: position, replies, scripts } : null
    }
    if (!isSafeInTransactionRun(traits)) return null
    // where MULTI is refused it runs by itself, and would stop everybody on a shared link
    if (session.pinned === null && waits(traits)) return null
    const body = bodyIn(session.context, traits, chunk, scout.start, scout.end)
    if (body !== null) scripts.push(new Uint8Array(body))
  }
  return null
}

function waits({ reason, verb, replay }: Traits): boolean {
  return reason === 'blocking' || replay === 'blocking' || verb === 'xread'
}
