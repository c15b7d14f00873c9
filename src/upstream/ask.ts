import { deferred } from '../base/deferred.ts'
import type { Exchange, Generation, Identity } from '../dispatcher.ts'
import { decodeReply, type Reply } from '../protocol/reply.ts'
import { encodeRequest } from '../protocol/request.ts'

/** Of a command of the proxy's own, whatever it is. */
export const ownTraits = {
  name: 'ask',
  route: 'control',
  reason: null,
  verb: null,
  replay: 'read',
  replayByArgs: false,
  heavy: true,
  write: false,
} as const

/**
 * A question of the proxy's own to the master of a generation, on the control link of `identity`.
 * Resolves with the decoded reply (an error reply too), rejects when the link is lost.
 */
export async function ask(
  generation: Generation,
  identity: Identity,
  parts: readonly (string | Uint8Array)[],
): Promise<Reply> {
  const answer = deferred<Reply>()
  const received: Uint8Array[] = []
  const bytes = encodeRequest(parts)
  const exchange: Exchange = {
    bytes,
    start: 0,
    end: bytes.length,
    traits: ownTraits,
    state: { identity, resp: 2, db: 0 },
    replies: 1,
    commands: 1,
    answered: 0,
    linkOnly: false,
    errorEnds: false,
    body: 'whole',
    affinity: { home: 0, link: 0 },
    isAlone: true,
    attempts: 1, // not worth a second try: the next generation is asked anew
    deadline: 0,
    abandoned: false,
    via: 'control',
    onReply(reply, start, end, last) {
      received.push(reply.slice(start, end))
      if (last) {
        const whole = Buffer.concat(received)
        answer.resolve(decodeReply(whole, 0, whole.length))
      }
      return true
    },
    onResume(fn) {
      fn()
    },
    onLost(cause) {
      answer.reject(cause)
    },
    split: () => [exchange],
  }
  generation.dispatch(exchange)
  return await answer.promise
}
