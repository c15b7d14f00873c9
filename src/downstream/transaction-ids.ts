import { args } from '../protocol/request.ts'
import { blockedLink, clientOf, unblockBytes } from './client-commands.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'
import type { QueuedChange } from './transaction.ts'

/**
 * A queued command in which ids of clients stand, as the link must hear it: by numbers of links,
 * which are others after a change of master. null: it is sent as it is. CLIENT KILL is, since no
 * connection of the server has the id of a client; what it means for ours is done at EXEC.
 */
export function queuedRenewal(session: Session, request: Request): (() => Uint8Array) | null {
  const { verb } = request.traits
  if (verb === 'client-tracking') return () => session.tracking.translated(request.args)
  if (verb !== 'client-unblock') return null
  return () => {
    const target = clientOf(session, request.args[2])
    // a number that stands in a transaction must not become another client's
    if (target !== undefined && blockedLink(target) !== 0) target.pin.tainted = true
    return unblockBytes(session, request.args)
  }
}

/**
 * A CLIENT UNBLOCK that found nobody at EXEC, although its client is blocked now: it began to wait
 * after the command had been queued.
 */
export interface LateUnblock {
  readonly index: number
  readonly request: Request
}

/** The change as a CLIENT UNBLOCK that must be said once more, or null. */
export function lateUnblock(
  session: Session,
  change: QueuedChange,
  element: Uint8Array,
): LateUnblock | null {
  if (change.verb !== 'client-unblock' || element[1] !== 0x30 /* 0 */) return null
  const given = args(change.bytes, 0, change.bytes.length)
  if (blockedLink(clientOf(session, given[2])) === 0) return null
  const request = { traits: change.traits, bytes: change.bytes, args: given }
  return { index: change.index, request }
}

/** Says them, one after the other; the reply to EXEC is given when the last is answered. */
export function unblockLate(
  session: Session,
  late: readonly LateUnblock[],
  reply: Uint8Array,
  replaced: (reply: Uint8Array, index: number, element: Uint8Array) => Uint8Array,
): Uint8Array | null {
  const [first, ...more] = late
  if (first === undefined) return reply
  const { request, index } = first
  const observer = onWhole((element) =>
    unblockLate(session, more, replaced(reply, index, element), replaced),
  )
  session.send(request, {
    bytes: unblockBytes(session, request.args),
    observer: { ...observer, onLost: () => reply },
  })
  return null
}
