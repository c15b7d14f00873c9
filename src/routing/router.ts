import { flushWaits, knownCommands } from './classes.ts'
import { disguisedTraits, learnedTraits, unknownTraits } from './learned.ts'
import type { LearnedCommand } from './learned.ts'
import { NameTable } from './name-table.ts'
import type { Traits } from './traits.ts'

/** A command and, for a container, its subcommands. */
interface Entry {
  readonly traits: Traits
  readonly subcommands: NameTable<Traits> | null
}

/** What is collected of a container before its table is built. */
interface Draft {
  traits: Traits
  readonly subcommands: Map<string, Traits>
}

/**
 * Says of every command which way it goes. What we know of a name always wins; the master's own
 * list only adds names. The list does not show `rename-command`: since Redis 7.0 it gives the old
 * names, so new ones must be told to the constructor.
 */
export class Router {
  readonly #renames: ReadonlyMap<string, string>
  #commands: NameTable<Entry>

  /** `renames`: new name → name, lower case, for a server with `rename-command`. */
  constructor(renames: ReadonlyMap<string, string> = new Map()) {
    this.#renames = renames
    this.#commands = tableOf(staticDrafts(), renames)
  }

  /**
   * The traits of the command whose name is `bytes[nameStart, nameEnd)` and whose first argument is
   * `bytes[subStart, subEnd)`, or has `subStart` -1 when there is none. For every request.
   */
  lookup(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    subStart: number,
    subEnd: number,
  ): Traits {
    const table = this.#commands
    const entry = table.find(bytes, nameStart, nameEnd)
    if (entry === undefined) {
      return isDisguised(bytes, nameStart, nameEnd, table.longest) ? disguisedTraits : unknownTraits
    }
    const subcommands = entry.subcommands
    if (subcommands === null || subStart < 0) return entry.traits
    const traits = subcommands.find(bytes, subStart, subEnd)
    if (traits !== undefined) return traits
    if (isDisguised(bytes, subStart, subEnd, subcommands.longest)) return disguisedTraits
    return entry.traits
  }

  /**
   * Takes over what a new master says of its commands; what an earlier one said is forgotten.
   * `serverVersion` as in INFO, `7.0.15`. A command that was looked up before keeps its traits.
   */
  learn(entries: readonly LearnedCommand[], serverVersion: string): void {
    const drafts = staticDrafts()
    for (const learned of entries) addLearned(drafts, learned)
    if (isAtLeast(serverVersion, 7, 4)) {
      for (const traits of flushWaits) drafts.set(traits.name, newDraft(traits))
    }
    this.#commands = tableOf(drafts, this.#renames)
  }
}

function newDraft(traits: Traits): Draft {
  return { traits, subcommands: new Map() }
}

function staticDrafts(): Map<string, Draft> {
  const drafts = new Map<string, Draft>()
  for (const { traits } of knownCommands.values()) {
    if (!traits.name.includes('|')) drafts.set(traits.name, newDraft(traits))
  }
  for (const { traits } of knownCommands.values()) {
    const [container = '', subcommand] = traits.name.split('|')
    if (subcommand !== undefined) drafts.get(container)?.subcommands.set(subcommand, traits)
  }
  return drafts
}

function addLearned(drafts: Map<string, Draft>, learned: LearnedCommand): void {
  const name = learned.name.toLowerCase()
  let draft = drafts.get(name)
  if (draft === undefined) {
    draft = newDraft(learnedTraits(name, learned.flags))
    drafts.set(name, draft)
  }
  for (const { name: fullName, flags } of learned.subcommands) {
    const subcommand = fullName.toLowerCase().split('|').at(-1) ?? ''
    if (draft.subcommands.has(subcommand)) continue
    draft.subcommands.set(subcommand, learnedTraits(`${name}|${subcommand}`, flags))
  }
}

function tableOf(
  drafts: ReadonlyMap<string, Draft>,
  renames: ReadonlyMap<string, string>,
): NameTable<Entry> {
  const entries = new Map<string, Entry>()
  for (const [name, { traits, subcommands }] of drafts) {
    const table = subcommands.size === 0 ? null : new NameTable(subcommands)
    entries.set(name, { traits, subcommands: table })
  }
  const moved = [...renames].map(([to, from]) => [to, entries.get(from)] as const)
  // to the server the old name is unknown: an EXEC that is none must not end a transaction here
  for (const name of renames.values()) entries.delete(name)
  for (const [to, entry] of moved) if (entry !== undefined) entries.set(to, entry)
  return new NameTable(entries)
}

/** Has a NUL byte where a server that compares C strings would see the end of a known name. */
function isDisguised(bytes: Uint8Array, start: number, end: number, longest: number): boolean {
  const stop = Math.min(end, start + longest + 1)
  for (let i = start; i < stop; i++) if (bytes[i] === 0) return true
  return false
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, x = '0', y = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? []
  return Number(x) > major || (Number(x) === major && Number(y) >= minor)
}
