import { dataClasses, heavyNames } from './classes-data.ts'
import { sessionClasses } from './classes-session.ts'
import type { CommandClass } from './command-class.ts'
import { commandTable } from './command-table.generated.ts'
import type { Traits } from './traits.ts'

/** What a server (7.0) tells of a command: for documents and checks, not for routing. */
export interface CommandInfo {
  readonly name: string
  /** With the name itself; negative: at least that many. */
  readonly arity: number
  readonly flags: readonly string[]
}

/** A command that we know, with the sentence that says why it goes where it goes. */
export interface KnownCommand {
  readonly traits: Traits
  readonly why: string
  /** May stand in a transaction that goes to a shared link in one piece. */
  readonly inRun: boolean
}

/** The names of a list that is written with white space between them. */
function namesOf(list: string): string[] {
  return list.trim().split(/\s+/)
}

const heavy: ReadonlySet<string> = new Set(namesOf(heavyNames))

function traitsOf(name: string, kind: CommandClass): Traits {
  const replayByArgs = kind.replayByArgs ?? false
  const replay = kind.replay ?? 'never'
  return Object.freeze({
    name,
    route: kind.route,
    reason: kind.reason ?? null,
    verb: kind.verb ?? null,
    replay,
    replayByArgs,
    heavy: heavy.has(name),
    write: kind.write ?? replay !== 'read',
  })
}

function build(): Map<string, KnownCommand> {
  const known = new Map<string, KnownCommand>()
  for (const kind of [...dataClasses, ...sessionClasses]) {
    for (const name of namesOf(kind.names)) {
      if (known.has(name)) throw new Error(`command ${name} is in two classes`)
      const inRun = kind.inRun ?? kind.route === 'lane'
      known.set(name, { traits: traitsOf(name, kind), why: kind.why, inRun })
    }
  }
  return known
}

/**
 * Every command of Redis 6.2 to 8.0 and of Valkey 8 by its lower-case name. Compiled from the
 * servers' own tables; what a server says of itself at run time never overrides it.
 */
export const knownCommands: ReadonlyMap<string, KnownCommand> = build()

/**
 * FLUSHALL and the like for a server from 7.4 on: it blocks the connection until the memory is
 * free, so they need a link of their own. (Valkey does not block; there it is only cautious.)
 */
export const flushWaits: readonly Traits[] = ['flushall', 'flushdb', 'sflush'].flatMap((name) => {
  const known = knownCommands.get(name)
  if (known === undefined) return []
  return [Object.freeze({ ...known.traits, route: 'lease', reason: 'blocking' } satisfies Traits)]
})

const infos: ReadonlyMap<string, CommandInfo> = new Map(
  commandTable.map(([name, arity, flags]) => [
    name,
    { name, arity, flags: flags === '' ? [] : flags.split(' ') },
  ]),
)

/** Arity and flags of a command as Redis 7.0 has them; undefined for a name it does not have. */
export function commandInfo(name: string): CommandInfo | undefined {
  return infos.get(name)
}
