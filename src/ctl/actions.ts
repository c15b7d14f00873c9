import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { Question } from '../discovery/questioner.ts'
import { announcedAs } from '../topology/parse.ts'
import type { Terms } from './context.ts'
import type { SentinelSeen, Settings } from './observation.ts'
import type { Servers } from './observe.ts'

/** One command to one server, as a part of a plan. */
export interface Action {
  readonly to: 'node' | 'sentinel'
  readonly at: Address
  readonly command: Question
  readonly why: string
  /** Its last word is a secret. */
  readonly secret?: true
  /** A refusal of the server does no harm (CONFIG REWRITE of a server without a file). */
  readonly optional?: true
}

/** `10.0.0.1:6379: REPLICAOF 10.0.0.2 6379 (follows 10.0.0.3:6379)` */
export function sentence({ at, command, why, secret }: Action): string {
  const words = secret === true ? [...command.slice(0, -1), '***'] : command
  return `${addressKey(at)}: ${words.join(' ')} (${why})`
}

/** One after the other; the first refusal ends it, as a ProxyError. */
export async function perform(
  servers: Servers,
  actions: readonly Action[],
  progress: (line: string) => void,
): Promise<void> {
  for (const action of actions) {
    progress(sentence(action))
    const questioner = action.to === 'node' ? servers.nodes : servers.sentinels
    const asked = questioner.askOne(action.at, ...action.command)
    await (action.optional === true ? asked.catch(() => null) : asked)
  }
}

/** Makes a node a replica, for good: also in its file. Both addresses are those that we reach. */
export function follow(
  at: Address,
  master: Address,
  why: string,
  { auth, addressMap }: Terms,
): readonly Action[] {
  const { host, port } = announcedAs(master, addressMap)
  const login: Action[] = []
  if (auth !== null) {
    const reason = 'to log in at the master'
    const { username, password } = auth
    if (username !== undefined) {
      const command: Question = ['CONFIG', 'SET', 'masteruser', username]
      login.push({ to: 'node', at, command, why: reason })
    }
    const command: Question = ['CONFIG', 'SET', 'masterauth', password]
    login.push({ to: 'node', at, command, why: reason, secret: true })
  }
  return [...login, { to: 'node', at, command: ['REPLICAOF', host, String(port)], why }, keep(at)]
}

export function keep(at: Address): Action {
  return { to: 'node', at, command: ['CONFIG', 'REWRITE'], why: 'for good', optional: true }
}

const names: Readonly<Record<keyof Settings, string>> = {
  quorum: 'quorum',
  downAfterMs: 'down-after-milliseconds',
  failoverTimeoutMs: 'failover-timeout',
  parallelSyncs: 'parallel-syncs',
}

/** What it takes that one sentinel watches the group as all of them should. */
export function watch(
  { address: at, settings }: SentinelSeen,
  group: string,
  master: Address,
  wanted: Settings,
  { auth, addressMap }: Terms,
): readonly Action[] {
  const set = (name: string, value: string, why: string): Action => {
    return { to: 'sentinel', at, command: ['SENTINEL', 'SET', group, name, value], why }
  }
  const actions: Action[] = []
  if (settings === null) {
    const quorum = String(wanted.quorum)
    const { host, port } = announcedAs(master, addressMap)
    const command: Question = ['SENTINEL', 'MONITOR', group, host, String(port), quorum]
    actions.push({ to: 'sentinel', at, command, why: 'does not know the group' })
    if (auth?.username !== undefined) actions.push(set('auth-user', auth.username, 'to log in'))
    if (auth !== null) {
      actions.push({ ...set('auth-pass', auth.password, 'to log in'), secret: true })
    }
  }
  for (const key of Object.keys(names) as (keyof Settings)[]) {
    if (settings?.[key] === wanted[key] || (settings === null && key === 'quorum')) continue
    const why = settings === null ? 'as wanted' : `is ${String(settings[key])}`
    actions.push(set(names[key], String(wanted[key]), why))
  }
  return actions
}

/**
 * Those named on the command line, else what most sentinels say (where as many say one thing as
 * another: the fallback if it is one of them, else the greater), else the fallback.
 */
export function wantedSettings(
  sentinels: readonly SentinelSeen[],
  given: Partial<Settings>,
  fallback: Settings,
): Settings {
  const all = sentinels.flatMap(({ settings }) => settings ?? [])
  const choose = (key: keyof Settings): number => {
    const own = given[key]
    if (own !== undefined) return own
    const counts = new Map<number, number>()
    for (const settings of all) counts.set(settings[key], (counts.get(settings[key]) ?? 0) + 1)
    const most = Math.max(0, ...counts.values())
    const tied = [...counts].filter(([, count]) => count === most).map(([value]) => value)
    return tied.length === 0 || tied.includes(fallback[key]) ? fallback[key] : Math.max(...tied)
  }
  return {
    quorum: choose('quorum'),
    downAfterMs: choose('downAfterMs'),
    failoverTimeoutMs: choose('failoverTimeoutMs'),
    parallelSyncs: choose('parallelSyncs'),
  }
}

/** For a group that nobody watches yet. */
export function defaultSettings(sentinels: number): Settings {
  return {
    quorum: Math.floor(sentinels / 2) + 1,
    downAfterMs: 5_000,
    failoverTimeoutMs: 60_000,
    parallelSyncs: 1,
  }
}
