import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'

/** blocked.c: disconnectAllBlockedClients; what a WAIT hears that a change of master cut short. */
export const unblocked: Uint8Array = Buffer.from(
  '-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n',
)

/**
 * WAIT and WAITAOF count the replicas that have the offset of the client's last write. A link that
 * has run nothing of its client would count every replica at once (`woff` 0: replication.c,
 * waitCommand), so a barrier goes before the first on each link: its offset is not below that of
 * any write which this client has seen answered; later writes go over the same link. And what an earlier master acknowledged, no replica of this one proves.
 */
export function wait(session: Session, request: Request): void {
  session.waits.pinned('wait', () => {
    session.apply({ what: 'sticky', reason: 'wait', on: true })
    session.waits.whenIdle(() => {
      const { wroteIn } = session
      if (wroteIn !== 0 && wroteIn < session.context.generation()) {
        session.wroteIn = 0
        session.answer(unblocked)
        return
      }
      if (session.barrierOn !== session.pin.taken) {
        session.barrierOn = session.pin.taken
        if (session.hasWritten) session.sendHidden(barrier(session))
      }
      session.send(request, {
        observer: onWhole((reply) => {
          const wanted = parseInteger(request.args[1] ?? new Uint8Array(0))
          const got = reply[0] === 0x3a ? parseInteger(reply.subarray(1, -2)) : undefined
          if (wanted !== undefined && got !== undefined && got >= wanted) session.wroteIn = 0
          return reply
        }),
      })
      session.waits.forVerdict()
    })
  })
}

/**
 * Up to 7.0 any executed command raises the link's offset (server.c: processCommand); since 7.2 only
 * one that is propagated (call()): a publication to a shard channel that nobody can know.
 */
function barrier(session: Session): Uint8Array {
  if (!session.context.serverAtLeast(7, 2)) return encodeRequest(['PING'])
  return encodeRequest(['SPUBLISH', `switchmaster:${String(Math.random())}`, ''])
}
