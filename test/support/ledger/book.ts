/** An acknowledged write that is not there any more. Times are of `performance.now()`. */
export interface LostWrite {
  readonly owner: string
  readonly what: string
  readonly ackedAt: number
}

export interface Stall {
  readonly owner: string
  readonly ms: number
  readonly issuedAt: number
}

/** Fates that a command can have from its client's point of view. */
export type Outcome = 'acked' | 'in-doubt' | 'refused' | 'error'

/** What all clients of a ledger write their observations into. */
export class Book {
  acked = 0
  inDoubt = 0
  /** Of these, reads: a read can always be asked again. */
  readsInDoubt = 0
  /** Refused with a code that promises non-execution. */
  refused = 0
  readonly errors = new Map<string, number>()
  readonly lost: LostWrite[] = []
  /** Writes that took effect more often than they were sent. */
  readonly duplicated: string[] = []
  readonly wrongOwner: string[] = []
  /** Transactions of which a part was executed, or answered, without the rest. */
  readonly torn: string[] = []
  /** Observations that no order of execution explains. */
  readonly impossible: string[] = []
  readonly dropped: string[] = []
  executedAfterLeaving = 0
  messagesSent = 0
  messagesUnheard = 0
  messagesLost = 0
  popsLost = 0
  longest: Stall = { owner: '', ms: 0, issuedAt: 0 }
  /** Times at which the test changed the master. */
  readonly marks: number[] = []

  /** Enters the reply to one command; `fault` is its error text or ''. */
  outcome(fault: string, kind: 'read' | 'write' = 'write'): Outcome {
    if (fault === '') {
      this.acked += 1
      return 'acked'
    }
    const code = fault.split(' ', 1)[0] ?? ''
    if (code === 'INDOUBT') {
      this.doubt(kind)
      return 'in-doubt'
    }
    if (code === 'MASTERDOWN' || code === 'TRYAGAIN') {
      this.refused += 1
      return 'refused'
    }
    this.errors.set(fault, (this.errors.get(fault) ?? 0) + 1)
    return 'error'
  }

  doubt(kind: 'read' | 'write'): void {
    this.inDoubt += 1
    if (kind === 'read') this.readsInDoubt += 1
  }

  answered(owner: string, issuedAt: number): void {
    const ms = performance.now() - issuedAt
    if (ms > this.longest.ms) this.longest = { owner, ms, issuedAt }
  }

  markedBetween(from: number, to: number): boolean {
    return this.marks.some((mark) => mark >= from && mark <= to)
  }
}
