import { flushWaits, knownCommands } from './classes.ts'
import { replayRules } from './replay-rules.ts'
import { isAllNew, readStreamOptions } from './stream-options.ts'
import type { ReplayClass, Traits } from './traits.ts'

/**
 * What only the arguments of a request tell. `args` is always the whole request with the name as
 * `args[0]`. For the cold path: after a loss, before a lease.
 */

/** The time that a blocking request is ready to wait. */
export interface BlockingTimeout {
  /** Of the argument that says it. */
  readonly index: number
  readonly unit: 's' | 'ms'
  /** In `unit`; 0 is for ever. */
  readonly value: number
}

/** The final replay class of one request. The time of day tells an expiry that has passed. */
export function replayClass(
  traits: Traits,
  args: readonly Uint8Array[],
  nowMs: number = Date.now(),
): ReplayClass {
  if (!traits.replayByArgs) return traits.replay
  return replayRules.get(traits.name)?.(args, nowMs) ?? 'never'
}

/**
 * May this request (not in a transaction) keep its connection waiting for something other than
 * its own run? Decides for XREAD and XREADGROUP; for others the traits say it alone.
 */
export function blocks(traits: Traits, args: readonly Uint8Array[]): boolean {
  if (traits.verb !== 'xread') return traits.reason === 'blocking' || traits.verb === 'wait'
  const { blockAt, idsAt } = readStreamOptions(args)
  if (blockAt === null) return false
  return traits.name === 'xread' || idsAt === null || isAllNew(args, idsAt)
}

/** Null: the request does not block, or its timeout is one that the server refuses. */
export function blockingTimeout(
  traits: Traits,
  args: readonly Uint8Array[],
): BlockingTimeout | null {
  const place = timeoutPlace(traits.name, args)
  if (place === null) return null
  const arg = args[place.index]
  if (arg === undefined || arg.length > 32) return null
  const text = Buffer.from(arg).toString('latin1')
  const isNumber =
    place.unit === 'ms' ? /^\d+$/.test(text) : /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
  const value = Number(text)
  return isNumber && Number.isFinite(value) ? { ...place, value } : null
}

/**
 * The arguments with which a blocking request is issued again when `remainingMs` are left. They
 * are never so small that a server takes them for 0, and for ever (0) stays for ever. Redis 6.2
 * cuts the milliseconds off: 0.001 s are 0.99… there, so seconds start at 0.002.
 */
export function withTimeout(
  traits: Traits,
  args: readonly Uint8Array[],
  remainingMs: number,
): Uint8Array[] {
  const again = [...args]
  const timeout = blockingTimeout(traits, args)
  if (timeout === null || timeout.value === 0) return again
  const ms = Math.ceil(remainingMs)
  const text = timeout.unit === 'ms' ? Math.max(1, ms) : Math.max(2, ms) / 1000
  again[timeout.index] = Buffer.from(String(text))
  return again
}

const runnable: ReadonlySet<Traits> = new Set([
  ...[...knownCommands.values()].filter((known) => known.inRun).map((known) => known.traits),
  ...flushWaits,
])

/**
 * May it stand in the body of a MULTI … EXEC that goes to a shared link in one piece? It must
 * neither change that link's state nor be unknown; a command that blocks does not in there.
 */
export function isSafeInTransactionRun(traits: Traits): boolean {
  return runnable.has(traits)
}

function timeoutPlace(
  name: string,
  args: readonly Uint8Array[],
): { index: number; unit: 's' | 'ms' } | null {
  switch (name) {
    case 'blpop':
    case 'brpop':
    case 'bzpopmin':
    case 'bzpopmax':
    case 'blmove':
    case 'brpoplpush':
      return { index: args.length - 1, unit: 's' }
    case 'blmpop':
    case 'bzmpop':
      return { index: 1, unit: 's' }
    case 'wait':
      return { index: 2, unit: 'ms' }
    case 'waitaof':
      return { index: 3, unit: 'ms' }
    case 'xread':
    case 'xreadgroup': {
      const { blockAt } = readStreamOptions(args)
      return blockAt === null ? null : { index: blockAt, unit: 'ms' }
    }
    default:
      return null
  }
}
