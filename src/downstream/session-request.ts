import type { Traits } from '../routing/traits.ts'
import type { Session } from './session.ts'
import type { Observer } from './session-exchange.ts'

/** One request that the session must understand before it can be sent. Its bytes are its own. */
export interface Request {
  readonly traits: Traits
  readonly bytes: Uint8Array
  readonly args: readonly Uint8Array[]
}

/** How a request is sent, where it is not the plain way. */
export interface SendOptions {
  readonly via?: 'control' | 'greeter' | 'prober'
  readonly observer?: Observer
  readonly replies?: number
  readonly errorEnds?: boolean
  /** Reaches the client whatever CLIENT REPLY says (confirmations of subscriptions). */
  readonly alwaysHeard?: boolean
  /** Only the beginning is here; the rest is passed on as it comes. */
  readonly streamed?: boolean
  readonly bytes?: Uint8Array
}

/** Never behind data: SCRIPT KILL must reach a server that is busy with the script. */
export function throughControl(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, { via: 'control' })
    session.waits.forVerdict()
  })
}

/** Another session needs this one to have a link: `then` runs when it has one, and it keeps it. */
export function withLink(session: Session, reason: 'tracking', then: () => void): void {
  session.apply({ what: 'sticky', reason, on: true })
  if (session.pin.held || session.outstanding === 0) session.waits.pinned(reason, then)
  else then()
}
