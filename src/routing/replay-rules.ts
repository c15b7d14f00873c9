import { isAllNew, readStreamOptions } from './stream-options.ts'
import type { ReplayClass } from './traits.ts'
import { integerAt, isAmong, wordAt } from './words.ts'

/**
 * The class of one request whose name alone does not decide. `args[0]` is the name, `nowMs` the
 * time of day. A rule that meets what it does not know, such as an option of a later version, says
 * `never`.
 */
export type ReplayRule = (args: readonly Uint8Array[], nowMs: number) => ReplayClass

type Args = readonly Uint8Array[]

/** SET key value [NX | XX | GET | IFEQ …] [EX s | PX ms | EXAT t | PXAT t | KEEPTTL]. */
function set(args: Args): ReplayClass {
  let replay: ReplayClass = 'same-state'
  for (let i = 3; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'keepttl') continue
    if (option === 'ex' || option === 'px') replay = 'time-relative'
    else if (option !== 'exat' && option !== 'pxat') return 'never'
    i++
  }
  return replay
}

/** GETEX key [EX s | PX ms | EXAT t | PXAT t | PERSIST]; a time in the past deletes the key. */
function getex(args: Args): ReplayClass {
  if (args.length === 2) return 'read'
  const option = wordAt(args, 2)
  if (args.length === 3) return option === 'persist' ? 'same-state' : 'never'
  if (args.length > 4) return 'never'
  if (option === 'ex' || option === 'px') return 'time-relative'
  return option === 'exat' || option === 'pxat' ? 'other-reply' : 'never'
}

/**
 * The EXPIRE family: key, time in units of `unitMs`, then conditions, or FIELDS and the rest. An
 * absolute time is set once for all: NX, GT and LT then find it set and answer 0. A relative time
 * is later at every run: NX and LT refuse it likewise, XX accepts it again, and GT may do either. A
 * time that has passed deletes the key, and the second run finds none.
 */
function expiry(kind: 'relative' | 'absolute', unitMs: number): ReplayRule {
  return (args, nowMs) => {
    const time = integerAt(args, 2)
    if (time === null) return 'never'
    const relative = kind === 'relative'
    let again = relative ? time > 0 : time * unitMs > nowMs
    for (let i = 3; i < args.length; i++) {
      const option = wordAt(args, i)
      if (option === 'fields') break
      if (option === 'nx' || option === 'lt' || (option === 'gt' && !relative)) again = false
      else if (option !== 'xx') return 'never'
    }
    if (!again) return 'other-reply'
    return relative ? 'time-relative' : 'same-state'
  }
}

/** LREM key count element: only count 0 removes all there are. */
function lrem(args: Args): ReplayClass {
  return integerAt(args, 2) === 0 ? 'other-reply' : 'never'
}

/** LTRIM key start stop: the first n (`0 n`) or the last n (`-n -1`) are the same n again. */
function ltrim(args: Args): ReplayClass {
  const start = integerAt(args, 2)
  const stop = integerAt(args, 3)
  if (start === null || stop === null) return 'never'
  const isHead = start === 0 && (stop >= 0 || stop === -1)
  const isTail = start < 0 && stop === -1
  return isHead || isTail ? 'same-state' : 'never'
}

/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member …. */
function zadd(args: Args): ReplayClass {
  for (let i = 2; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'incr') return 'never'
    if (!['nx', 'xx', 'gt', 'lt', 'ch'].includes(option)) break
  }
  return 'other-reply'
}

/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT n]: with LIMIT each run trims some more. */
function xtrim(args: Args): ReplayClass {
  for (let i = 4; i < args.length; i++) if (wordAt(args, i) === 'limit') return 'never'
  return 'other-reply'
}

/** XGROUP SETID key group id: `$` is another id as soon as the stream has grown. */
function xgroupSetId(args: Args): ReplayClass {
  const id = wordAt(args, 4)
  return id === '' || id === '$' ? 'never' : 'same-state'
}

/** COPY source destination [DB n] [REPLACE]: without REPLACE the second run finds its own copy. */
function copy(args: Args): ReplayClass {
  let replaces = false
  for (let i = 3; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'db') i++
    else if (option === 'replace') replaces = true
    else return 'never'
  }
  return replaces ? 'same-state' : 'never'
}

/** RESTORE key ttl value [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]. */
function restore(args: Args): ReplayClass {
  let replaces = false
  let relative = integerAt(args, 2) !== 0
  for (let i = 4; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'replace') replaces = true
    else if (option === 'absttl') relative = false
    else if (option === 'idletime' || option === 'freq') i++
    else return 'never'
  }
  if (!replaces) return 'never'
  return relative ? 'time-relative' : 'same-state'
}

/** FUNCTION LOAD [REPLACE] code: without REPLACE the second run finds its own library. */
function functionLoad(args: Args): ReplayClass {
  return args.length === 4 && wordAt(args, 2) === 'replace' ? 'same-state' : 'never'
}

/** A destination at `destination`, sources from `from` on to the end. */
function storeAll(destination: number, from: number): ReplayRule {
  return (args) =>
    args.length <= from || isAmong(args, destination, from, args.length) ? 'never' : 'same-state'
}

/** …STORE destination numkeys key [key …] [options]. */
function storeCounted(args: Args): ReplayClass {
  const count = integerAt(args, 2)
  if (count === null || count < 1 || 3 + count > args.length) return 'never'
  return isAmong(args, 1, 3, 3 + count) ? 'never' : 'same-state'
}

/** …STORE destination source [options]. */
function storeOne(args: Args): ReplayClass {
  return args.length < 3 || isAmong(args, 1, 2, 3) ? 'never' : 'same-state'
}

/** With STORE or STOREDIST at one of `options`; the last one wins, and its key is the next one. */
function storeOption(args: Args, options: readonly number[]): ReplayClass {
  const at = options.at(-1)
  if (at === undefined) return 'read'
  return at + 1 >= args.length || isAmong(args, at + 1, 1, 2) ? 'never' : 'same-state'
}

/** SORT key [BY p] [LIMIT o n] [GET p …] [ASC | DESC] [ALPHA] [STORE d]. */
function sort(args: Args): ReplayClass {
  const stores: number[] = []
  let readsOthers = false
  for (let i = 2; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'limit') i += 2
    else if (option === 'by' || option === 'get') {
      // Keys made from a pattern may be anything, the destination too.
      readsOthers ||= args[i + 1]?.includes(0x2a) ?? true
      i++
    } else if (option === 'store') stores.push(i++)
    else if (option !== 'asc' && option !== 'desc' && option !== 'alpha') return 'never'
  }
  return stores.length > 0 && readsOthers ? 'never' : storeOption(args, stores)
}

/** GEORADIUS key x y radius unit [options], where the options start at `from`. */
function georadius(from: number): ReplayRule {
  return (args) => {
    const stores: number[] = []
    for (let i = from; i < args.length; i++) {
      const option = wordAt(args, i)
      if (option === 'count') i++
      else if (option === 'store' || option === 'storedist') stores.push(i++)
      else if (!['withcoord', 'withdist', 'withhash', 'any', 'asc', 'desc'].includes(option)) {
        return 'never'
      }
    }
    return storeOption(args, stores)
  }
}

/** XREAD with BLOCK is issued again with the time that is left; without, it is a read. */
function xread(args: Args): ReplayClass {
  return readStreamOptions(args).blockAt === null ? 'read' : 'blocking'
}

/** XREADGROUP hands entries out: only when it waits for new ones it may be issued again. */
function xreadgroup(args: Args): ReplayClass {
  const { blockAt, idsAt } = readStreamOptions(args)
  if (blockAt === null || idsAt === null) return 'never'
  return isAllNew(args, idsAt) ? 'blocking' : 'never'
}

/** One rule for each name whose traits say `replayByArgs`. */
export const replayRules: ReadonlyMap<string, ReplayRule> = new Map<string, ReplayRule>([
  ['set', set],
  ['getex', getex],
  ['expire', expiry('relative', 1_000)],
  ['pexpire', expiry('relative', 1)],
  ['expireat', expiry('absolute', 1_000)],
  ['pexpireat', expiry('absolute', 1)],
  ['hexpire', expiry('relative', 1_000)],
  ['hpexpire', expiry('relative', 1)],
  ['hexpireat', expiry('absolute', 1_000)],
  ['hpexpireat', expiry('absolute', 1)],
  ['lrem', lrem],
  ['ltrim', ltrim],
  ['zadd', zadd],
  ['xtrim', xtrim],
  ['xgroup|setid', xgroupSetId],
  ['copy', copy],
  ['restore', restore],
  ['restore-asking', restore],
  ['function|load', functionLoad],
  ['bitop', storeAll(2, 3)],
  ['pfmerge', storeAll(1, 2)],
  ['sinterstore', storeAll(1, 2)],
  ['sunionstore', storeAll(1, 2)],
  ['sdiffstore', storeAll(1, 2)],
  ['zinterstore', storeCounted],
  ['zunionstore', storeCounted],
  ['zdiffstore', storeCounted],
  ['zrangestore', storeOne],
  ['geosearchstore', storeOne],
  ['sort', sort],
  ['georadius', georadius(6)],
  ['georadiusbymember', georadius(5)],
  ['xread', xread],
  ['xreadgroup', xreadgroup],
])
