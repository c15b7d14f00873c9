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

/** The link of a lane that a session's commands take, as long as any of them is on its way. */
export interface Affinity {
  /** Where it goes when the clients are spread over the links; different for each session. */
  readonly home: number
  link: number
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
  /** More than 1: a pipeline, plain commands of one client in one piece; none while the gate holds. */
  readonly commands: number
  /** Of a pipeline's commands, how many have been answered. */
  answered: number
  /** Which link of a lane it takes: the same object for all commands of a session. */
  readonly affinity: Affinity
  /** No other command of its session is on its way, so that its lane may choose the link anew. */
  readonly isAlone: boolean
  /** How often it was handed to the kernel; a read is never sent a third time. */
  attempts: number
  /** When it must have left the gate (clock milliseconds); 0 until it is first held. */
  deadline: number
  /** Its client has gone: it is dropped where it waits and never run. */
  abandoned: boolean
  /** Changes nothing but its link (MULTI, a queued command, SUBSCRIBE): may always be sent again. */
  readonly linkOnly: boolean
  /** An error reply is the only one, whatever `replies` says (the subscribe family). */
  readonly errorEnds: boolean
  /**
   * whole: the bytes are here and can be sent again · receiving: only a beginning has been sent and
   * the rest still comes from the client · received: all of it was sent, but it was not kept.
   */
  body: 'whole' | 'receiving' | 'received'
  /** Which link of the generation carries it, where it is not under a lease. */
  readonly via: Via
}

/**
 * lane: a shared link · control: the link that never queues behind data · greeter: the link on
 * which HELLO is answered for an identity · prober: the link on which AUTH is tried.
 */
export type Via = 'lane' | 'control' | 'greeter' | 'prober'

/** Who waits for the reply of one command. Exactly one terminal call (`last`, or onLost), once. */
export interface ReplyHandler {
  /**
   * The next part of the reply, `bytes[start, end)`. The bytes are never written again, so they may
   * be kept. false: the client reads too slowly; pause until `onResume` listeners are called.
   */
  onReply(bytes: Uint8Array, start: number, end: number, last: boolean): boolean
  /** Calls `fn` once when the client can take more. */
  onResume(fn: () => void): void
  /** The reply will not come (any more). The error is what the client is told. */
  onLost(cause: ProxyError, fate: Fate): void
  /**
   * The commands of a pipeline that are not answered, each by itself, in order: they take its place,
   * and nothing of the pipeline is called any more. A command that is none: itself.
   */
  split(): Exchange[]
}

/** A command together with who waits for it: the unit that every layer carries. */
export type Exchange = Command & ReplyHandler

/** A layer that carries commands towards the master. */
export interface Dispatcher {
  /** false: the way is full; stop reading this client until `onDrain` listeners are called. */
  dispatch(exchange: Exchange): boolean
  /** Calls `fn` once when the link of this command, which was dispatched, wants more. */
  onDrain(exchange: Exchange, fn: () => void): void
  /** An exclusive link in the given state. Waits at the gate; rejects with a ProxyError. */
  lease(state: LinkState, reason: LeaseReason, owner: LeaseOwner): Promise<Lease>
}

/** An exclusive link while one session holds it. */
export interface Lease {
  /** The link's number on the server (CLIENT ID); 0 where its ACL hides it. */
  readonly serverId: number
  /** As `Dispatcher.dispatch`; replies come in order, pushes go to the owner. */
  dispatch(exchange: Exchange): boolean
  onDrain(fn: () => void): void
  /** From now on requests and replies are not paired: bytes out by `pipe`, all bytes in to onPush. */
  raw(): void
  /** Writes bytes as they are: the parts of a streamed request, or anything on a raw lease. */
  pipe(bytes: Uint8Array, start: number, end: number): boolean
  /** Stops and starts reading from the link: the client's back-pressure. */
  pause(): void
  resume(): void
  /**
   * Gives the link back, once. `clean`: nothing is outstanding and the link's state is the one it
   * was leased in, so another session may have it; otherwise it is closed.
   */
  release(clean: boolean): void
}

/** The session's side of a lease. */
export interface LeaseOwner {
  /** Does this top-level array or push answer no command? Asked for such frames only. */
  isPush(type: number, bytes: Uint8Array, start: number, end: number): boolean
  /** A frame that answers no command, or a part of one (`last`: its end); on a raw lease any bytes. */
  onPush(bytes: Uint8Array, start: number, end: number, last: boolean): void
  /**
   * The link died. `survivors` were not executed, or may be sent again, in order; all other
   * outstanding commands have been told already. The lease is over.
   */
  onLeaseLost(cause: ProxyError, survivors: Exchange[]): void
}

/** All the links to one master, verified to be one. A switch opens the next and fences this one. */
export interface Generation {
  readonly number: number
  /** `host:port` of the master. */
  readonly address: string
  /** The server's run_id, or '' where its ACL hides it. */
  readonly runId: string
  /** The server's version as in INFO, or ''. */
  readonly version: string
  /** The server wants AUTH before anything else. */
  readonly wantsAuth: boolean
  dispatch(exchange: Exchange): boolean
  onDrain(exchange: Exchange, fn: () => void): void
  lease(state: LinkState, reason: LeaseReason, owner: LeaseOwner, arbiter: Arbiter): Promise<Lease>
  /** Commands that are not yet answered, those that wait inside the server (BLPOP …) apart. */
  inFlight(): number
  /** Is the same server still there and still a master? Rejects with a ProxyError if not. */
  verify(): Promise<void>
  /** Closes every link; whatever is outstanding is judged by its arbiter. */
  destroy(cause: ProxyError): void
}

/** Who decides what becomes of commands whose link failed them. */
export interface Arbiter {
  /**
   * Asked for error replies, and for all replies of a link that has given a refusal already.
   * true: the command was taken back and its reply must be thrown away.
   */
  takesBack(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean
  /**
   * An error reply of a script in which the server may have said that it is no master, or the script
   * may have made that up: the server is asked what it is, and nothing behind the reply is read
   * before the answer. Then `takesBackScript`, or the reply is passed on.
   */
  doubts(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean
  /** The server is no master: the script has changed nothing and is taken back. */
  takesBackScript(exchange: Exchange): void
  /** The link died; `begun`: a part of the reply has reached the client already. */
  onLost(exchange: Exchange, cause: ProxyError, fate: Fate, begun: boolean): void
  /** A link died that nobody closed. */
  onLinkLost(generation: Generation, cause: ProxyError): void
  /** The server refuses the secret of an identity that it accepted before (ACL DELUSER …). */
  onIdentityRefused(identity: Identity): void
}
