import type { Address } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Credentials, LinkOptions } from '../discovery/redis-link.ts'
import type { AddressMap } from '../topology/parse.ts'
import type { AdminDoor } from './admin-door.ts'
import type { VerbOptions } from './options.ts'

/** What every verb is given: one group, how its servers are reached, and the door of the proxy. */
export interface CtlContext {
  readonly group: string
  /** As configured; the proxy's own may be learned at its door. */
  readonly sentinels: readonly Address[]
  readonly sentinelLink: LinkOptions
  readonly nodeLink: LinkOptions
  /** Of the data nodes; sentinels and replicas are given it too. */
  readonly nodeAuth: Credentials | null
  readonly addressMap: AddressMap
  readonly door: AdminDoor
  readonly clock: Clock
  readonly options: VerbOptions
  /** What is not an option on the command line. */
  readonly words: readonly string[]
  /** Something that takes long tells how far it is. Not called with --json. */
  readonly progress: (line: string) => void
}

/** What the servers of a group must be told so that they reach each other. */
export interface Terms {
  /** Of the data nodes; null: they want none. */
  readonly auth: Credentials | null
  /** Servers call each other by the names on its left, we reach them by those on its right. */
  readonly addressMap: AddressMap
}

export function termsOf({ nodeAuth: auth, addressMap }: CtlContext): Terms {
  return { auth, addressMap }
}

/** What a verb has found or done. A refusal is a ProxyError. */
export interface Outcome {
  /** For --json. */
  readonly facts: object
  /** For people. */
  readonly lines: readonly string[]
}

/** One verb of `switchmaster ctl`. */
export interface Verb {
  readonly name: string
  readonly summary: string
  /** In the notation of the help: `<host:port>`. */
  readonly words?: string
  /** Flags beside those of the configuration, with what they mean. */
  readonly flags: readonly (readonly [flag: string, meaning: string])[]
  run(context: CtlContext): Promise<Outcome>
}
