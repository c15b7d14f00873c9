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
  /** What is sent instead of the request; asked again when it must go over another link. */
  readonly renew?: () => Uint8Array
}

/** Never behind data: SCRIPT KILL must reach a server that is busy with the script. */
export function throughControl(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, { via: 'control' })
    session.waits.forVerdict()
  })
}
