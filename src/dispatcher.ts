import type { ProxyError } from './base/errors.ts'
import type { LeaseReason, Traits } from './routing/traits.ts'

/**
 * The spine: the one shape that a command's way has, from downstream through the gate to upstream.
 * A layer takes a `Dispatcher` and/or is one; `proxyd.ts` puts them together.
 */

/** What is known of a command whose link died before the reply was complete. */
export type Fate = 'unsent' | 'in-doubt'

/** A verified ACL user, and the secret by which a new link becomes that user. */
export interface Identity {
  /** The name for people and for the lane's key; `default` for a client that never sent AUTH. */
  readonly name: string
  /** The arguments of AUTH, or null for a link that does not authenticate. */
  readonly auth: readonly Uint8Array[] | null
}

/**
 * The state of a link that decides whether two sessions may share it. One object per distinct
 * state (interned), so that lanes are found by identity.
 */
export interface LinkState {
  readonly identity: Identity
  readonly resp: 2 | 3
  readonly db: number
}

/** One request on its way. */
export interface Command {
  /**
   * The canonical RESP request is `bytes[start, end)`. While `dispatch` runs they are the caller's;
   * a layer that keeps the command longer copies them and points these three at its copy.
   */
  bytes: Uint8Array
  start: number
  end: number
  readonly traits: Traits
  readonly state: LinkState
  /** Top-level replies it is answered with; more than 1 for a contiguous MULTI … EXEC run. */
  readonly replies: number
  /** Chooses the shared link within a lane; the same for all commands of a session. */
  readonly affinity: number
  /** How often it was handed to the kernel; a read is never sent a third time. */
  attempts: number
  /** Its client has gone: it is dropped where it waits and never run. */
  abandoned: boolean
}

/** Who waits for the reply of one command. Exactly one terminal call (`last`, or onLost), once. */
export interface ReplyHandler {
  /** The next part of the reply, `bytes[start, end)`; valid during the call only. */
  onReply(bytes: Uint8Array, start: number, end: number, last: boolean): void
  /** The reply will not come (any more). The error is what the client is told. */
  onLost(cause: ProxyError, fate: Fate): void
}

/** A command together with who waits for it: the unit that every layer carries. */
export type Exchange = Command & ReplyHandler

/** A layer that carries commands towards the master. */
export interface Dispatcher {
  /** false: the way is full; stop reading this client until `onDrain` listeners are called. */
  dispatch(exchange: Exchange): boolean
  /** Calls `fn` once when commands are wanted again. */
  onDrain(fn: () => void): void
  /** An exclusive link in the given state. Waits at the gate; rejects with a ProxyError. */
  lease(state: LinkState, reason: LeaseReason, owner: LeaseOwner): Promise<Lease>
  /** Graceful: everything in flight is answered, then the links are closed. */
  close(): Promise<void>
  /** Now: every command in flight is lost. */
  destroy(cause: ProxyError): void
}

/** An exclusive link while one session holds it. */
export interface Lease {
  /** As `Dispatcher.dispatch`; replies come in order, pushes go to the owner. */
  dispatch(exchange: Exchange): boolean
  /**
   * Gives the link back, once. `clean`: nothing is outstanding and the link's state is the one it
   * was leased in, so another session may have it; otherwise it is closed.
   */
  release(clean: boolean): void
}

/** The session's side of a lease. */
export interface LeaseOwner {
  /** A part of a frame that answers no command: a push, a message, a line of MONITOR. */
  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void
  /** The link died; its outstanding commands have been told already. The lease is over. */
  onLeaseLost(cause: ProxyError): void
}
