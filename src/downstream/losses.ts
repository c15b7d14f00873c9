import { errorReply, type ErrorCode } from '../base/errors.ts'
import type { Fate } from '../dispatcher.ts'
import type { CloseReason, SessionContext } from './session-context.ts'
import type { SessionExchange } from './session-exchange.ts'

/** Why a client is closed whose command was lost so; null: it is told by a reply instead. */
export function whyClosed(code: ErrorCode, fate: Fate): CloseReason | null {
  if (code === 'HANDSHAKE_FAILED') return 'error'
  if (fate !== 'in-doubt' || code === 'INDOUBT') return null
  return code === 'HALF_REPLY' ? 'half-reply' : 'in-doubt'
}

/** The reply to a lost command; of a transaction sent as one piece, every command gets its answer. */
export function lossReply(exchange: SessionExchange, code: ErrorCode): Uint8Array {
  const times = exchange.errorEnds ? 1 : exchange.replies
  return Buffer.concat(new Array<Uint8Array>(times).fill(errorReply(code)))
}

/** Counts a command for which no exclusive link was to be had. */
export function countUnserved({ counters }: SessionContext, code: ErrorCode): void {
  counters.refused[code === 'LEASE_LIMIT' ? 'lease-limit' : 'hold-window']++
}
