/** For each state the states that may follow it. What is not listed is a programmer's mistake. */
export type TransitionTable<S extends string> = Readonly<Record<S, readonly S[]>>

/** Throws unless the table allows the move; a move to the same state is a move like any other. */
export function assertMove<S extends string>(table: TransitionTable<S>, from: S, to: S): void {
  if (!table[from].includes(to)) throw new Error(`illegal move from ${from} to ${to}`)
}
