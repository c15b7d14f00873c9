import type { ProxyError } from '../base/errors.ts'
import type { LinkState } from '../dispatcher.ts'
import { countUnserved } from './losses.ts'
import type { PinHome } from './pin.ts'
import { rebuildCommands, timeLeft } from './rebuild.ts'
import type { ReplyLine } from './reply-line.ts'
import type { Session } from './session.ts'
import type { SessionExchange } from './session-exchange.ts'
import { endsUnrun } from './transaction-run.ts'
import { discardsUnrun } from './transaction-verbs.ts'

/** A session as its own link sees it: what the server says there, and what is lost with it. */
export class PinnedSession implements PinHome {
  readonly #session: Session
  readonly #line: ReplyLine

  constructor(session: Session, line: ReplyLine) {
    this.#session = session
    this.#line = line
  }

  get linkState(): LinkState {
    return this.#session.state.link
  }

  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { subscriptions, state } = this.#session
    return subscriptions.isPush(state.link.resp, type, bytes, start, end)
  }

  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const { tracking, pin } = this.#session
    if (tracking.redirField !== null && tracking.hides(bytes, start, end)) return
    // messages wait here, up to the limit: in the server they would go with a link it closes
    if (this.#line.push(bytes, start, end, last) || !pin.raw) return
    pin.pause()
    this.#line.onResume(() => {
      pin.resume()
    })
  }

  onPinLost(): void {
    // what follows half of a message would be read as the rest of it
    if (this.#line.isWithinPush) this.#session.close('half-reply')
    else this.#session.apply({ what: 'link-lost' })
  }

  rebuild(): readonly SessionExchange[] {
    const commands = rebuildCommands(this.#session)
    this.#session.waits.onLinked()
    this.#session.tracking.onRelinked()
    return commands
  }

  again(exchange: SessionExchange): void {
    if (endsUnrun(this.#session, exchange)) return
    discardsUnrun(this.#session, exchange)
    timeLeft(this.#session, exchange)
  }

  onPinRefused(exchange: SessionExchange, cause: ProxyError): void {
    if (!exchange.hidden) countUnserved(this.#session.context, cause.code)
    exchange.onLost(cause, 'unsent')
  }

  onPinBroken(): void {
    this.#session.close('lease-lost')
  }
}
