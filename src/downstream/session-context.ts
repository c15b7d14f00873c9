import type { Clock } from '../base/clock.ts'
import type { PassingMemory } from '../base/part-memory.ts'
import type { Turn } from '../base/turn.ts'
import type { Dispatcher } from '../dispatcher.ts'
import type { RequestFramer } from '../protocol/request-framer.ts'
import type { RequestLimits } from '../protocol/resp.ts'
import type { Router } from '../routing/router.ts'
import type { DataPlaneCounters } from '../telemetry/counters.ts'
import type { ScriptMemory } from './script-memory.ts'
import type { Session } from './session.ts'
import type { SessionState } from './session-state.ts'

/** Limits of one client, in bytes. */
export interface SessionLimits {
  /** Above this many unread reply bytes, the client's link and requests are paused. */
  readonly outputPauseBytes: number
  /** Above this many the client is closed. */
  readonly outputLimitBytes: number
  /** Requests read ahead while an earlier one waits; above, the client is not read. */
  readonly parkedBytes: number
  /** The most that is kept of an open transaction, to queue it again on another master. */
  readonly transactionBytes: number
}

/** Why a client's connection ended; the label of `client_disconnects_total`. */
export type CloseReason = keyof DataPlaneCounters['clientDisconnects']

/** Everything that is the same for all sessions of a process. */
export interface SessionContext {
  readonly dispatcher: Dispatcher
  readonly router: Router
  readonly clock: Clock
  readonly turn: Turn
  readonly memory: PassingMemory
  readonly requestLimits: RequestLimits
  /** Finds requests that are whole in what was read: one for all clients, since it keeps nothing. */
  readonly framer: RequestFramer
  readonly limits: SessionLimits
  readonly counters: DataPlaneCounters
  /** The scripts that the next master must know. */
  readonly scripts: ScriptMemory
  /** The state of a connection when it begins. */
  readonly firstState: SessionState
  /** Pool mode `dedicated`: every client has a link of its own from its first command. */
  readonly dedicated: boolean
  /** Called before anything is made of what a client sent. */
  beforeRead(): void
  /** Is the gate shut, so that commands wait in it? */
  isHolding(): boolean
  /** The number of the generation that answers now. */
  generation(): number
  /** The session with this client id, of this process. */
  find(id: number): Session | undefined
  /** All sessions of this process, in the order in which they came. */
  sessions(): Iterable<Session>
  /** Does the master want AUTH before anything else? */
  wantsAuth(): boolean
  /** Is the master's version at least this? false while nobody knows it. */
  serverAtLeast(major: number, minor: number): boolean
  onClosed(session: Session, why: CloseReason): void
}
