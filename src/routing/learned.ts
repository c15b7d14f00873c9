import type { LeaseReason, ReplayClass, Route, Traits } from './traits.ts'

/** One row of a server's COMMAND, as far as routing wants it. */
export interface LearnedCommand {
  /** Subcommands as `client|kill` (since Redis 7.0) or as `kill`. */
  readonly name: string
  readonly arity: number
  readonly flags: readonly string[]
  readonly subcommands: readonly LearnedCommand[]
}

/**
 * The traits of a command that only the server knows, by its flags. They are a guess on the safe
 * side: flags do not tell a command that publishes or that runs a script, and until Redis 7.4 not
 * even that WAIT blocks; so nothing but a flagged read is sent twice or counts as no write.
 */
export function learnedTraits(name: string, flags: readonly string[]): Traits {
  const has = (flag: string) => flags.includes(flag)
  // A module may block its caller in a thread without the flag `blocking`.
  if (has('module')) return traits(name, 'lease', 'module', 'never', !has('readonly'))
  if (has('pubsub') && has('noscript')) return traits(name, 'lease', 'raw', 'never', false)
  // CLIENT acts on its own connection: an unknown subcommand may leave any state behind.
  if (name.startsWith('client|') && !has('readonly')) {
    return traits(name, 'lease', 'raw', 'never', false)
  }
  if (has('blocking') || (has('no_multi') && has('noscript'))) {
    return traits(name, 'lease', 'blocking', 'never', !has('readonly'))
  }
  if (has('admin')) return traits(name, 'control', null, 'never', true)
  if (has('readonly')) return traits(name, 'lane', null, 'read', false)
  return traits(name, 'lane', null, 'never', true)
}

/** The traits of a name that neither we nor the server know: it answers its own error. */
export const unknownTraits: Traits = traits('?', 'lane', null, 'never', true)

/**
 * The traits of an unknown name with a NUL byte in it. Servers look names up by their whole length
 * but compare them up to the first NUL: `MULTI\0x` is MULTI as often as its hash falls into the
 * same bucket (measured with Redis 7.0: 1 of 200 such names ran). Only a link of its own is safe.
 */
export const disguisedTraits: Traits = traits('?', 'lease', 'unknown', 'never', true)

function traits(
  name: string,
  route: Route,
  reason: LeaseReason | null,
  replay: ReplayClass,
  write: boolean,
): Traits {
  const heavy = name !== '?'
  return Object.freeze({
    name,
    route,
    reason,
    verb: null,
    replay,
    replayByArgs: false,
    heavy,
    write,
  })
}
