import type { Exchange, Fate } from '../dispatcher.ts'
import { args } from '../protocol/request.ts'
import { replayClass } from '../routing/arguments.ts'
import { isForOneMaster } from './symptoms.ts'
import type { ReplayClass } from '../routing/traits.ts'

/** What an operator wants of commands whose outcome cannot be known. */
export type InDoubtPolicy = 'error' | 'close' | 'retry-idempotent'

/**
 * What becomes of a command that its link failed.
 * again: sent on the next master · in-doubt: its client is told that nobody knows · cut: its client
 * is told that it was not executed and cannot be sent again · half-reply: its client is closed, since
 * it has a part of the reply · close: its client is closed instead of being told · drop: nobody waits
 * any more.
 */
export type Judgement = 'again' | 'in-doubt' | 'cut' | 'half-reply' | 'close' | 'drop'

/** Sent once, lost, sent again, lost again: perhaps it is what kills masters. */
const maxAttemptsOfRead = 2

/** The one place that decides whether a command may be sent again. */
export function judge(
  exchange: Exchange,
  fate: Fate,
  begun: boolean,
  policy: InDoubtPolicy,
): Judgement {
  if (exchange.abandoned) return 'drop'
  if (begun) return 'half-reply'
  if (exchange.body === 'receiving') return 'cut'
  if (exchange.body === 'received') return fate === 'unsent' ? 'cut' : doubt(policy)
  if (exchange.traits.verb === 'shutdown') return 'close' // it has no reply but this
  if (isForOneMaster(exchange)) return fate === 'unsent' ? 'cut' : doubt(policy)
  if (fate === 'unsent' || exchange.linkOnly) return 'again'
  switch (classOf(exchange)) {
    case 'read':
      return exchange.attempts < maxAttemptsOfRead ? 'again' : doubt(policy)
    case 'blocking':
      return 'again'
    case 'same-state':
      return policy === 'retry-idempotent' && exchange.attempts < maxAttemptsOfRead
        ? 'again'
        : doubt(policy)
    case 'other-reply':
    case 'time-relative':
    case 'never':
      return doubt(policy)
  }
}

/** What allowed a command that was judged `again` to be sent again. */
export function replayedBy(
  exchange: Exchange,
  fate: Fate,
): 'unsent' | Exclude<ReplayClass, 'never'> {
  if (fate === 'unsent') return 'unsent'
  const found = classOf(exchange)
  return found === 'never' ? 'read' : found
}

function doubt(policy: InDoubtPolicy): Judgement {
  return policy === 'close' ? 'close' : 'in-doubt'
}

function classOf(exchange: Exchange): ReplayClass {
  const { traits } = exchange
  if (exchange.replies > 1 && traits.verb === 'exec') return 'never'
  if (!traits.replayByArgs) return traits.replay
  return replayClass(traits, args(exchange.bytes, exchange.start, exchange.end))
}
