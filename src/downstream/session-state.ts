import type { Identity, LinkState } from '../dispatcher.ts'
import type { LeaseReason, SessionVerb } from '../routing/traits.ts'

/** Reasons that last until a command of the client ends them, whatever its transactions do. */
export type StickyReason = Extract<
  LeaseReason,
  'tracking' | 'redirect' | 'no-evict' | 'no-touch' | 'wait' | 'dedicated'
>

/** Does the client want replies (CLIENT REPLY)? skip: not for the next command. */
export type ReplyMode = 'on' | 'off' | 'skip'

/**
 * The state that a Redis connection builds up (`session-semantics` §1), apart from subscriptions,
 * which are sets of their own. Immutable; `reduce` gives the next one.
 */
export interface SessionState {
  readonly link: LinkState
  /** CLIENT SETNAME; '' for none. */
  readonly name: string
  /** none · open: MULTI was accepted · flawed: a queued command was lost, EXEC must abort. */
  readonly transaction: 'none' | 'open' | 'flawed'
  /** none · set: WATCH holds on the link · broken: the link that held it is gone. */
  readonly watch: 'none' | 'set' | 'broken'
  readonly sticky: ReadonlySet<StickyReason>
  readonly replies: ReplyMode
}

/** What happened to the state: a command together with the server's verdict on it. */
export type StateEvent =
  | { readonly what: 'authenticated'; readonly identity: Identity }
  | { readonly what: 'protocol'; readonly resp: 2 | 3 }
  | { readonly what: 'selected'; readonly db: number }
  | { readonly what: 'named'; readonly name: string }
  | { readonly what: 'multi' }
  | { readonly what: 'transaction-over' }
  | { readonly what: 'transaction-flawed' }
  | { readonly what: 'watched' }
  | { readonly what: 'unwatched' }
  | { readonly what: 'link-lost' }
  | { readonly what: 'sticky'; readonly reason: StickyReason; readonly on: boolean }
  | { readonly what: 'replies'; readonly mode: ReplyMode }
  | { readonly what: 'reset' }

/** Nobody has authenticated: what a new connection is to the server. */
export const nobody: Identity = { name: 'default', auth: null }

const states = new Map<Identity, LinkState[]>()

/** The one object for this link state, so that lanes can be found by identity. */
export function linkState(identity: Identity, resp: 2 | 3, db: number): LinkState {
  let rows = states.get(identity)
  if (rows === undefined) states.set(identity, (rows = []))
  const index = db * 2 + (resp - 2)
  return (rows[index] ??= { identity, resp, db })
}

const none: ReadonlySet<StickyReason> = new Set()

/** The state of every connection when it begins. */
export const initialState: SessionState = {
  link: linkState(nobody, 2, 0),
  name: '',
  transaction: 'none',
  watch: 'none',
  sticky: none,
  replies: 'on',
}

/** The same for a client of pool mode `dedicated`. */
export const dedicatedState: SessionState = {
  ...initialState,
  sticky: new Set<StickyReason>(['dedicated']),
}

/** The next state. Pure. */
export function reduce(state: SessionState, event: StateEvent): SessionState {
  const { identity, resp, db } = state.link
  switch (event.what) {
    case 'authenticated':
      return { ...state, link: linkState(event.identity, resp, db) }
    case 'protocol':
      return { ...state, link: linkState(identity, event.resp, db) }
    case 'selected':
      return { ...state, link: linkState(identity, resp, event.db) }
    case 'named':
      return { ...state, name: event.name }
    case 'multi':
      return { ...state, transaction: 'open' }
    case 'transaction-over':
      return { ...state, transaction: 'none', watch: 'none' }
    case 'transaction-flawed':
      return state.transaction === 'none' ? state : { ...state, transaction: 'flawed' }
    case 'watched':
      return { ...state, watch: state.watch === 'broken' ? 'broken' : 'set' }
    case 'unwatched':
      return { ...state, watch: 'none' }
    case 'link-lost':
      return state.watch === 'none' ? state : { ...state, watch: 'broken' }
    case 'sticky':
      return { ...state, sticky: withReason(state.sticky, event.reason, event.on) }
    case 'replies':
      return { ...state, replies: event.mode }
    case 'reset': {
      // NO-EVICT survives RESET on servers up to 7.0; the link is closed then, so it does not here
      const outlasting = (['dedicated', 'redirect'] as const).filter((each) =>
        state.sticky.has(each),
      )
      return { ...initialState, sticky: new Set(outlasting) }
    }
  }
}

/** Why this state needs a link of its own, in the order in which people care. Pure. */
export function leaseReasons(state: SessionState, subscriptions: number): LeaseReason[] {
  const reasons: LeaseReason[] = []
  if (state.transaction !== 'none') reasons.push('transaction')
  if (state.watch !== 'none') reasons.push('watch')
  if (subscriptions > 0) reasons.push('subscription')
  return [...reasons, ...state.sticky]
}

function withReason(
  from: ReadonlySet<StickyReason>,
  reason: StickyReason,
  on: boolean,
): ReadonlySet<StickyReason> {
  const next = new Set(from)
  if (on) next.add(reason)
  else next.delete(reason)
  return next
}

/** Between MULTI and EXEC the server queues everything but these (server.c: processCommand). */
export function actsInTransaction(verb: SessionVerb | null): boolean {
  return (
    verb === 'exec' ||
    verb === 'discard' ||
    verb === 'multi' ||
    verb === 'watch' ||
    verb === 'reset' ||
    verb === 'quit' ||
    verb === 'close'
  )
}
