import type { LeaseReason, ReplayClass, Route, SessionVerb } from './traits.ts'

/** Commands of one kind: their common traits, and the sentence that says why they have them. */
export interface CommandClass {
  readonly why: string
  /** Lower case, divided by white space; subcommands as `client|kill`. */
  readonly names: string
  readonly route: Route
  readonly reason?: LeaseReason
  readonly verb?: SessionVerb
  /** Left out where the arguments decide; then `never` stands until they are asked. */
  readonly replay?: ReplayClass
  readonly replayByArgs?: boolean
  /** Left out: everything that is not a read may change data. */
  readonly write?: boolean
  /**
   * May it stand in the body of a transaction that goes to a shared link in one piece? Left out:
   * yes for what goes to a lane, no for all else.
   */
  readonly inRun?: boolean
}
