import { wordAt } from './words.ts'

/** Where XREAD and XREADGROUP have the arguments that decide whether they block. */
export interface StreamOptions {
  /** Index of the milliseconds after the option BLOCK; null without that option. */
  readonly blockAt: number | null
  /** Index of the first id, one for each stream; null where the request is not understood. */
  readonly idsAt: number | null
}

/**
 * Options stand before STREAMS, and their values may look like options; after STREAMS a key may be
 * called BLOCK. From an option that nobody knows yet, any later BLOCK is taken for the option: to
 * think that a request blocks costs a link, not to think so stops everybody on a shared one.
 */
export function readStreamOptions(args: readonly Uint8Array[]): StreamOptions {
  let blockAt: number | null = null
  for (let i = 1; i < args.length; i++) {
    const option = wordAt(args, i)
    if (option === 'streams') {
      const count = args.length - i - 1
      return { blockAt, idsAt: count > 0 && count % 2 === 0 ? i + 1 + count / 2 : null }
    }
    if (option === 'block') blockAt = ++i
    else if (option === 'count' || option === 'claim') i++
    else if (option === 'group') i += 2
    else if (option !== 'noack') {
      const later = args.findIndex((_, at) => at > i && wordAt(args, at) === 'block')
      return { blockAt: later === -1 ? blockAt : later + 1, idsAt: null }
    }
  }
  return { blockAt, idsAt: null }
}

/** Is every id `>`, so that only entries nobody has been given are wanted? */
export function isAllNew(args: readonly Uint8Array[], idsAt: number): boolean {
  return args.every((_, at) => at < idsAt || wordAt(args, at) === '>')
}
