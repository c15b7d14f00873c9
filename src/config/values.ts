import { z } from 'zod'
import type { Address } from '../base/address.ts'
import { addressKey, parseAddress } from '../base/address.ts'

/**
 * The kinds of value that a configuration has. Each reads the text of a flag or variable as well as
 * the scalar or list of a YAML file, and says in one phrase what is allowed.
 */

/** Where we listen: a TCP address or a unix socket. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** One line of the address map: what the group announces, and where we reach it. */
export interface AddressMapping {
  readonly from: Address
  readonly to: Address
}

/** One `rename-command` of the servers, both names in lower case. */
export interface CommandRename {
  readonly command: string
  readonly renamed: string
}

/** A kind of value: its schema and what it allows, in words. */
export interface Kind<T> {
  readonly schema: z.ZodType<T>
  readonly allowed: string
  /** What its numbers count. */
  readonly unit: Unit
}

export type Unit = 'ms' | 'bytes' | null

function kind<T>(
  allowed: string,
  read: (input: unknown) => T | undefined,
  unit: Unit = null,
): Kind<T> {
  const schema = z.unknown().transform((input, context) => {
    const value = read(input)
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', message: allowed, input })
    return z.NEVER
  })
  return { schema, allowed, unit }
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
}

function quantity(input: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof input !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(input.trim().toLowerCase())
  const factor = units[match?.[2] ?? '']
  if (match === null || factor === undefined) return undefined
  const value = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(value) ? value : undefined
}

/** Milliseconds, from `min` to `max`; setTimeout takes no more than 2^31-1. */
export function duration(min = 1, max = 24 * 3_600_000): Kind<number> {
  const allowed = `a duration from ${durationText(min)} to ${durationText(max)}, like 500ms, 15s, 2m`
  const read = (input: unknown): number | undefined => {
    const ms = quantity(input, durationUnits)
    return ms !== undefined && ms >= min && ms <= max ? ms : undefined
  }
  return kind(allowed, read, 'ms')
}

/** As `duration`, or `auto`. */
export function durationOrAuto(min: number): Kind<number | 'auto'> {
  const inner = duration(min)
  const read = (input: unknown): number | 'auto' | undefined =>
    input === 'auto' ? 'auto' : inner.schema.safeParse(input).data
  return kind(`auto, or ${inner.allowed}`, read, 'ms')
}

/** Bytes, from `min` to `max`. */
export function size(min: number, max = 1024 ** 4): Kind<number> {
  const allowed = `a size from ${sizeText(min)} to ${sizeText(max)}, like 64kb, 16mb, 1gb`
  const read = (input: unknown): number | undefined => {
    const bytes = quantity(input, sizeUnits)
    return bytes !== undefined && bytes >= min && bytes <= max ? bytes : undefined
  }
  return kind(allowed, read, 'bytes')
}

/** A whole number from `min` to `max`. */
export function count(min: number, max: number): Kind<number> {
  return kind(`a whole number from ${min} to ${max}`, (input) => {
    const text = typeof input === 'number' ? String(input) : input
    if (typeof text !== 'string' || !/^\d{1,15}$/.test(text.trim())) return undefined
    const value = Number(text)
    return value >= min && value <= max ? value : undefined
  })
}

/** As `count`, or `auto`. */
export function countOrAuto(min: number, max: number): Kind<number | 'auto'> {
  const inner = count(min, max)
  return kind<number | 'auto'>(`auto, or ${inner.allowed}`, (input) =>
    input === 'auto' ? 'auto' : inner.schema.safeParse(input).data,
  )
}

/** One word of a closed list. */
export function choice<const W extends string>(...words: readonly W[]): Kind<W> {
  return kind(words.join(', '), (input) => {
    const text = typeof input === 'boolean' ? String(input) : input
    return words.find((word) => word === text)
  })
}

/** Yes or no; a flag without a value means yes. */
export function yesNo(): Kind<boolean> {
  return kind('true, false, yes, no', (input) => {
    if (typeof input === 'boolean') return input
    if (input === 'true' || input === 'yes' || input === '1') return true
    if (input === 'false' || input === 'no' || input === '0') return false
    return undefined
  })
}

/** Text of one line; null where it was not given. */
export function optionalText(what: string): Kind<string | null> {
  return optionalWord(/^[^\0\r\n]+$/, what)
}

/** As `word`, or nothing. */
export function optionalWord(pattern: RegExp, allowed: string): Kind<string | null> {
  return kind<string | null>(allowed, (input) => {
    if (input === null || input === undefined) return null
    const text = typeof input === 'number' ? String(input) : input
    return typeof text === 'string' && pattern.test(text) ? text : undefined
  })
}

/** Text that must match a pattern. */
export function word(pattern: RegExp, allowed: string): Kind<string> {
  return kind(allowed, (input) =>
    typeof input === 'string' && pattern.test(input) ? input : undefined,
  )
}

function items(input: unknown): readonly unknown[] {
  if (Array.isArray(input)) return input.flatMap(items)
  if (typeof input !== 'string') return [input]
  return input
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function address(input: unknown): Address | undefined {
  return typeof input === 'string' ? (parseAddress(input) ?? undefined) : undefined
}

/** Every item read by `read`, or undefined if one of them is not allowed. */
function listOf<T>(input: unknown, read: (item: unknown) => T | undefined): T[] | undefined {
  const values: T[] = []
  for (const item of items(input)) {
    const value = read(item)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}

/** Addresses to connect to; may be empty. Port 0 is refused. */
export function addresses(): Kind<readonly Address[]> {
  return kind<readonly Address[]>('host:port, or [::1]:port, several with commas', (input) =>
    listOf(input, address),
  )
}

/** Port 0 is any free port; an absolute path alone is a unix socket too. */
function listenAddress(input: unknown): ListenAddress | undefined {
  if (typeof input !== 'string') return undefined
  const path = input.startsWith('unix:') ? input.slice('unix:'.length) : input
  if (path.startsWith('/')) {
    // 107 bytes is the longest path of a unix socket on Linux.
    return Buffer.byteLength(path) <= 107 ? { kind: 'unix', path } : undefined
  }
  const anyPort = input.endsWith(':0')
  const tcp = address(anyPort ? `${input.slice(0, -1)}1` : input)
  return tcp && { kind: 'tcp', host: tcp.host, port: anyPort ? 0 : tcp.port }
}

const listenAllowed = 'host:port, [::1]:port, or unix:/path (at most 107 bytes)'

/** At least one address to listen on. */
export function listenAddresses(): Kind<readonly ListenAddress[]> {
  return kind<readonly ListenAddress[]>(`${listenAllowed}; several with commas`, (input) => {
    const list = listOf(input, listenAddress)
    return list === undefined || list.length === 0 ? undefined : list
  })
}

/** One address to listen on, or one of the given words. */
export function listenOr<const W extends string>(word: W): Kind<ListenAddress | W> {
  return kind<ListenAddress | W>(`${word}, ${listenAllowed}`, (input) =>
    input === word ? word : listenAddress(input),
  )
}

/** The path of a unix socket, or one of the given words. */
export function socketOr(word: string): Kind<string> {
  return kind(`${word}, or unix:/path or /path (at most 107 bytes)`, (input) => {
    if (input === word) return word
    const listen = listenAddress(input)
    return listen?.kind === 'unix' ? listen.path : undefined
  })
}

/** `announced=reachable` pairs, or a mapping in YAML. */
export function addressMap(): Kind<readonly AddressMapping[]> {
  return kind<readonly AddressMapping[]>(
    'announced-host:port=reachable-host:port, several with commas',
    (input) => {
      const isMapping = typeof input === 'object' && input !== null && !Array.isArray(input)
      const list = isMapping
        ? Object.entries(input).map(([from, to]) => `${from}=${String(to)}`)
        : input
      return listOf(list, (item) => {
        const [from, to, ...more] = typeof item === 'string' ? item.split('=').map(address) : []
        return from && to && more.length === 0 ? { from, to } : undefined
      })
    },
  )
}

/** What the proxy says to a server itself, to make a link or to rebuild the state of a client. */
const ownCommands: ReadonlySet<string> = new Set([
  ...['auth', 'client', 'discard', 'hello', 'info', 'multi', 'ping', 'psubscribe', 'role'],
  ...['select', 'spublish', 'ssubscribe', 'subscribe'],
])

/** `command=new-name` pairs, or a mapping in YAML. No name twice, and none that we need ourselves. */
export function commandRenames(): Kind<readonly CommandRename[]> {
  const allowed =
    'command=new-name, several with commas; not a name twice, and none of ' +
    [...ownCommands].join(', ')
  return kind<readonly CommandRename[]>(allowed, (input) => {
    const isMapping = typeof input === 'object' && input !== null && !Array.isArray(input)
    const list = isMapping
      ? Object.entries(input).map(([command, renamed]) => `${command}=${String(renamed)}`)
      : input
    const renames = listOf(list, (item) => {
      const [command, renamed] =
        typeof item === 'string'
          ? item.split(/=(.*)/s).map((name) => name.trim().toLowerCase())
          : []
      return command && renamed && !ownCommands.has(command) ? { command, renamed } : undefined
    })
    const isOnce = (key: keyof CommandRename): boolean =>
      new Set(renames?.map((each) => each[key])).size === renames?.length
    return isOnce('command') && isOnce('renamed') ? renames : undefined
  })
}

/** `15s`: the shortest text that `duration` reads back. */
export function durationText(ms: number): string {
  if (ms % 3_600_000 === 0 && ms > 0) return `${ms / 3_600_000}h`
  if (ms % 1000 === 0 && ms > 0) return `${ms / 1000}s`
  return `${ms}ms`
}

/** `64mb`: the shortest text that `size` reads back. */
export function sizeText(bytes: number): string {
  if (bytes > 0 && bytes % 1024 ** 3 === 0) return `${bytes / 1024 ** 3}gb`
  if (bytes > 0 && bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2}mb`
  if (bytes > 0 && bytes % 1024 === 0) return `${bytes / 1024}kb`
  return `${bytes}b`
}

/** `unix:/path` or `host:port`. */
export function listenText(listen: ListenAddress): string {
  return listen.kind === 'unix' ? `unix:${listen.path}` : addressKey(listen)
}
