/**
 * What the router knows of a command before it is sent. One immutable object per command (and per
 * subcommand of a container), shared by every request of that name.
 */
export interface Traits {
  /** Lower case; subcommands as `client|kill`; `?` for a name no table knows. */
  readonly name: string
  readonly route: Route
  /** Why a lease is needed, where `route` is `lease`. */
  readonly reason: LeaseReason | null
  /**
   * Set where the command changes the state of its connection or is answered by the proxy; on a
   * lane, where the proxy takes note of it.
   */
  readonly verb: SessionVerb | null
  /** The class of `session-semantics` §7 as far as the name alone decides it. */
  readonly replay: ReplayClass
  /** The arguments decide: `replayClass(traits, args)` must be asked. */
  readonly replayByArgs: boolean
  /** Its reply may be large or its run long. */
  readonly heavy: boolean
  /** May change data or publish; scripts count as writes unless they are `_RO`. */
  readonly write: boolean
}

/**
 * Which way a command goes.
 * lane: shared link · lease: exclusive link · control: the link that never queues behind data ·
 * session: the session looks at `verb` first (it absorbs, emulates or pins).
 */
export type Route = 'lane' | 'lease' | 'control' | 'session'

/** The closed list of reasons for an exclusive link, each with its moment of release. */
export type LeaseReason =
  | 'blocking' // until its reply
  | 'transaction' // until the reply to EXEC, DISCARD or RESET
  | 'watch' // until EXEC, DISCARD, UNWATCH or RESET
  | 'subscription' // until the last unsubscribe confirmation
  | 'tracking' // until CLIENT TRACKING OFF
  | 'redirect' // until no other client redirects its invalidations here
  | 'no-evict' // until CLIENT NO-EVICT OFF
  | 'no-touch' // until CLIENT NO-TOUCH OFF
  | 'wait' // WAIT and WAITAOF: to the end of the session
  | 'monitor' // raw: to the end of the session, or RESET
  | 'replication' // raw: SYNC, PSYNC, REPLCONF
  | 'debugger' // raw: SCRIPT DEBUG
  | 'raw' // replies can no longer be paired with requests
  | 'upload' // a request above the streaming limit, until its reply
  | 'admin' // DEBUG, SAVE, MODULE …: one call, then the link is closed
  | 'module' // may block its link in a thread; one call
  | 'unknown' // not in any table; one call
  | 'dedicated' // pool mode `dedicated`

/** Commands that the session itself must understand. */
export type SessionVerb =
  | 'auth'
  | 'hello'
  | 'select'
  | 'reset'
  | 'quit'
  | 'multi'
  | 'exec'
  | 'discard'
  | 'watch'
  | 'unwatch'
  | 'subscribe'
  | 'unsubscribe'
  | 'psubscribe'
  | 'punsubscribe'
  | 'ssubscribe'
  | 'sunsubscribe'
  | 'monitor'
  | 'sync'
  | 'replconf'
  | 'script-debug'
  | 'xread' // blocks only with BLOCK
  | 'wait'
  | 'client-id'
  | 'client-info'
  | 'client-list'
  | 'client-kill'
  | 'client-unblock'
  | 'client-getname'
  | 'client-setname'
  | 'client-setinfo'
  | 'client-reply'
  | 'client-tracking'
  | 'client-trackinginfo'
  | 'client-getredir'
  | 'client-caching'
  | 'client-no-evict'
  | 'client-no-touch'
  | 'client-capa'
  | 'readonly' // READONLY and READWRITE
  | 'asking'
  | 'script' // EVAL, EVAL_RO, SCRIPT LOAD: carry a body that EVALSHA may name later
  | 'script-use' // EVALSHA, EVALSHA_RO
  | 'script-flush'
  | 'shutdown'
  | 'close' // POST and Host: (the server closes at once)

/**
 * What may be done with a command whose outcome is unknown (`session-semantics` §7).
 * read: send again · blocking: issue again with the remaining time · same-state (I1),
 * other-reply (I2), time-relative (I3): only by policy · never.
 */
export type ReplayClass =
  'read' | 'blocking' | 'same-state' | 'other-reply' | 'time-relative' | 'never'

/** Of what the proxy answers by itself. */
export const localTraits: Traits = {
  name: '',
  route: 'lane',
  reason: null,
  verb: null,
  replay: 'read',
  replayByArgs: false,
  heavy: false,
  write: false,
}

/**
 * May it leave something on its link that the next user would notice? Asked of commands that the
 * session does not understand; one that only waits leaves nothing.
 */
export function marksLink({ route, verb, reason }: Traits): boolean {
  return route === 'lease' && verb === null && reason !== 'blocking'
}
