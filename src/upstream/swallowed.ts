import type { Arrival } from '../base/arrival.ts'
import { ProxyError } from '../base/errors.ts'
import type { Exchange, LinkState } from '../dispatcher.ts'
import { ownTraits } from './ask.ts'
import type { Link } from './link.ts'

/** An exchange whose reply nobody waits for; an error in it means the link is not as we think. */
export function swallowed(bytes: Uint8Array, link: Link, arrival: Arrival): Exchange {
  const exchange: Exchange = {
    bytes,
    start: 0,
    end: bytes.length,
    traits: ownTraits,
    state: swallowedState,
    replies: 1,
    commands: 1,
    answered: 0,
    errorEnds: false,
    linkOnly: true,
    body: 'whole',
    affinity: { home: 0, link: 0 },
    isAlone: false,
    attempts: 1,
    deadline: 0,
    abandoned: true,
    via: 'lane',
    onReply(reply, start, end) {
      arrival.gone(reply, start, end)
      if (reply[start] !== 0x2b /* + */) {
        link.destroy(new ProxyError('HANDSHAKE_FAILED', 'SELECT for a shared link was refused'))
      }
      return true
    },
    onResume: () => undefined,
    onLost: () => undefined,
    split: () => [exchange],
  }
  return exchange
}

const swallowedState: LinkState = { identity: { name: 'default', auth: null }, resp: 2, db: 0 }
