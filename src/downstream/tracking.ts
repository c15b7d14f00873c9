import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Observer, SessionExchange } from './session-exchange.ts'
import type { Request } from './session-request.ts'

const flushPush = Buffer.from('>2\r\n$10\r\ninvalidate\r\n_\r\n')
const flushMessage = Buffer.from('*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n')
const brokenHead = Buffer.from('>2\r\n$21\r\ntracking-redir-broken\r\n:')
const off = encodeRequest(['CLIENT', 'TRACKING', 'OFF'])

/** A number that no server has given to a connection yet. */
const nobody = Buffer.from('1000000000000')

/**
 * CLIENT TRACKING of one session. The server keeps the table of what to invalidate for a link, and a
 * redirect leads to another client's link: so both keep theirs, and when one of them is replaced,
 * tracking is armed again and whoever hears the invalidations is told to forget everything.
 */
export class Tracking {
  readonly #session: Session
  /** The arguments of the CLIENT TRACKING ON that is in force. */
  #args: readonly Uint8Array[] | null = null
  /** The client that invalidations are redirected to. */
  #redirect: number | null = null
  /** Sessions whose link is kept for the sake of this one. */
  readonly #targets = new Set<Session>()
  /** Sessions that redirect here, or are about to. */
  readonly #trackers = new Set<Session>()
  /** The pair of links on which the redirect was armed last. */
  #armed = ''

  constructor(session: Session) {
    this.#session = session
  }

  /** The field of CLIENT LIST that names the client that is redirected to. */
  get redirField(): string | null {
    return this.#redirect === null ? null : ` redir=${String(this.#redirect)}`
  }

  /** Runs `then` when the client that `args` redirect to has a link, or has gone. */
  withTarget(args: readonly Uint8Array[], then: () => void): void {
    const target = this.targetOf(args)
    if (target === undefined) {
      then()
      return
    }
    const session = this.#session
    this.#targets.add(target)
    target.tracking.#trackers.add(session)
    target.apply({ what: 'sticky', reason: 'redirect', on: true })
    session.waits.until((go) => {
      target.waits.linked('redirect', () => {
        go(then)
      })
    })
  }

  /** The client that `args` redirect to, if it is one of ours. */
  targetOf(args: readonly Uint8Array[]): Session | undefined {
    const at = redirectAt(args)
    const id = at === 0 ? undefined : parseInteger(args[at] ?? new Uint8Array(0))
    return id === undefined ? undefined : this.#session.context.find(id)
  }

  /** CLIENT TRACKING as the server must hear it: the number of a link for the id of a client. */
  translated(args: readonly Uint8Array[]): Uint8Array {
    const at = redirectAt(args)
    const id = at === 0 ? undefined : parseInteger(args[at] ?? new Uint8Array(0))
    if (id === undefined || id === 0) return encodeRequest(args)
    const number = this.#session.context.find(id)?.serverId ?? 0
    const own = [...args]
    own[at] = number === 0 ? nobody : Buffer.from(String(number))
    return encodeRequest(own)
  }

  /** The server has said OK to it. */
  confirmed(args: readonly Uint8Array[]): void {
    const on = wordAt(args, 2) === 'on'
    const target = on ? this.targetOf(args) : undefined
    this.#args = on ? args : null
    this.#redirect = target?.id ?? null
    this.#armed = target === undefined ? '' : this.#linksWith(target)
    this.#session.apply({ what: 'sticky', reason: 'tracking', on })
    this.settle()
  }

  /** Lets go of links that were kept for a redirect that did not come about, or is over. */
  settle(): void {
    for (const target of this.#targets) {
      if (target.id !== this.#redirect) this.#release(target)
    }
  }

  /** RESET: nothing is tracked any more. */
  forget(): void {
    this.#args = null
    this.#redirect = null
    this.settle()
  }

  /** The client has gone, and with it what it heard for others. */
  onGone(): void {
    this.forget()
    this.onRelinked()
  }

  /** The reply to GETREDIR or TRACKINGINFO with the id of a client for the number of its link. */
  shown(reply: Uint8Array): Uint8Array {
    if (this.#redirect === null) return reply
    const text = Buffer.from(reply).toString('latin1')
    const own = text.replace(/^(:|.*?redirect\r\n:)\d+/s, `$1${String(this.#redirect)}`)
    return Buffer.from(own, 'latin1')
  }

  /**
   * Is this push a `tracking-redir-broken`? The one that the client hears names another client by
   * its id; and while that client is here, its link is being replaced and nothing is broken.
   */
  hides(bytes: Uint8Array, start: number, end: number): boolean {
    const head = bytes.subarray(start, Math.min(end, start + brokenHead.length))
    if (this.#redirect === null || Buffer.compare(head, brokenHead) !== 0) return false
    const session = this.#session
    if (session.context.find(this.#redirect) === undefined) {
      session.inject(brokenPush(this.#redirect))
    }
    return true
  }

  // ── when links are replaced ────────────────────────────────────────────────────────────────

  /** What arms tracking on a new link of the session. */
  again(): SessionExchange[] {
    const session = this.#session
    if (this.#args === null) return []
    if (this.#redirect === null) {
      if (session.state.link.resp === 3) session.inject(flushPush)
      return [session.hidden(encodeRequest(this.#args), this.#observer(null))]
    }
    const target = session.context.find(this.#redirect)
    if (target === undefined) this.#onTargetGone(this.#redirect)
    else if (target.serverId !== 0) return [this.#arm(this.#args, target)]
    return [] // armed when the target has its link
  }

  /** The session has another link, or none any more: those that redirect to it must know. */
  onRelinked(): void {
    for (const tracker of this.#trackers) {
      tracker.waits.between(() => {
        tracker.tracking.#rearm()
      })
    }
  }

  #rearm(): void {
    const session = this.#session
    if (this.#args === null || this.#redirect === null || session.pin.raw) return
    const target = session.context.find(this.#redirect)
    if (target === undefined) {
      // where it was armed, the server itself says so
      if (!this.#armed.startsWith(this.#linksWith(null))) this.#onTargetGone(this.#redirect)
      return
    }
    if (session.serverId === 0 || target.serverId === 0) return // a new link is under way
    if (this.#armed === this.#linksWith(target)) return
    // prefixes may not be given twice; without BCAST, OFF would also undo a CLIENT CACHING
    if (isBroadcast(this.#args)) session.sendHidden(off)
    session.pin.dispatch(this.#arm(this.#args, target))
  }

  #arm(args: readonly Uint8Array[], target: Session): SessionExchange {
    this.#armed = this.#linksWith(target)
    return this.#session.hidden(this.translated(args), this.#observer(target))
  }

  /** What was lost between the links nobody knows: the target forgets all. */
  #observer(target: Session | null): Observer {
    return {
      onFrame: (frame) => {
        if (frame[0] !== 0x2d /* - */) {
          if (target !== null) target.tracking.#flush()
        } else if (target === null || target.serverId !== 0) {
          this.#session.close('lease-lost')
        }
        return null
      },
      onLost: () => true,
    }
  }

  #flush(): void {
    const session = this.#session
    if (session.pin.raw) return
    if (session.state.link.resp === 3) session.inject(flushPush)
    else if (session.subscriptions.size > 0) session.inject(flushMessage)
  }

  #onTargetGone(id: number): void {
    const session = this.#session
    if (session.state.link.resp === 3) session.inject(brokenPush(id))
    this.forget()
    session.apply({ what: 'sticky', reason: 'tracking', on: false })
  }

  #linksWith(target: Session | null): string {
    return `${String(this.#session.pin.taken)} ${target === null ? '' : String(target.pin.taken)}`
  }

  #release(target: Session): void {
    this.#targets.delete(target)
    const { tracking } = target
    tracking.#trackers.delete(this.#session)
    if (tracking.#trackers.size > 0) return
    target.apply({ what: 'sticky', reason: 'redirect', on: false })
    target.waits.between(() => {
      target.giveBackUnneeded()
    })
  }
}

/** CLIENT TRACKING: the invalidation table is per link; a redirect names another client's link. */
export function tracking(session: Session, request: Request): void {
  session.waits.pinned('tracking', () => {
    session.waits.whenIdle(() => {
      session.tracking.withTarget(request.args, () => {
        session.pin.tainted = true
        session.send(request, { renew: trackingRenewal(session, request), observer: verdict() })
        session.waits.forVerdict()
      })
    })
  })
  function verdict(): Observer {
    const observer = onWhole((reply, isError) => {
      if (isError) session.tracking.settle()
      else session.tracking.confirmed(request.args)
      return reply
    })
    const onLost = (): boolean => {
      session.tracking.settle()
      return false
    }
    return { ...observer, onLost }
  }
}

/** The bytes of a CLIENT TRACKING for the links of the moment. */
export function trackingRenewal(session: Session, { args }: Request): () => Uint8Array {
  return () => session.tracking.translated(args)
}

/** A reply that may show the number of the link that is redirected to: its client's id goes in. */
export function translated(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, { observer: onWhole((reply) => session.tracking.shown(reply)) })
    session.waits.forVerdict()
  })
}

/** Where the id of a redirect stands in CLIENT TRACKING; 0: nowhere (networking.c: clientCommand). */
function redirectAt(args: readonly Uint8Array[]): number {
  for (let i = 3; i + 1 < args.length; i++) {
    const word = wordAt(args, i)
    if (word === 'redirect') return i + 1
    if (word === 'prefix') i++
  }
  return 0
}

function isBroadcast(args: readonly Uint8Array[]): boolean {
  for (let i = 3; i < args.length; i++) {
    const word = wordAt(args, i)
    if (word === 'bcast') return true
    if (word === 'prefix' || word === 'redirect') i++
  }
  return false
}

function brokenPush(id: number): Uint8Array {
  return Buffer.concat([brokenHead, Buffer.from(`${String(id)}\r\n`)])
}
