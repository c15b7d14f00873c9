import { FrameScanner, parse } from '../resp.ts'
import type { Arg, Reply } from '../resp.ts'

/**
 * How two replies to one command are compared. exact: byte for byte · shape: the type alone (what
 * is drawn at random, or of the moment) · unordered, pairs, scan: a set comes in the order of a hash
 * that each server draws anew · leaving: so do the confirmations of UNSUBSCRIBE · seconds: a time that passes · id: a connection's number · hello: the
 * number within the map.
 */
export type Measure =
  | 'exact'
  | 'shape'
  | 'unordered'
  | 'pairs'
  | 'scan'
  | 'scan pairs'
  | 'leaving'
  | 'seconds'
  | 'id'
  | 'hello'
  | readonly Measure[]

const MEASURES: ReadonlyMap<string, Measure> = new Map<string, Measure>([
  ...each('shape', 'srandmember', 'hrandfield', 'zrandmember', 'randomkey', 'dump', 'time'),
  ...each('shape', 'lastsave', 'role', 'info', 'acl genpass', 'function list'),
  ...each('unordered', 'smembers', 'sinter', 'sunion', 'sdiff', 'hkeys', 'hvals', 'keys', 'spop'),
  ...each('unordered', 'pubsub channels', 'pubsub shardchannels'),
  ...each('pairs', 'hgetall'),
  ...each('scan', 'scan', 'sscan'),
  ...each('scan pairs', 'hscan', 'zscan'),
  ...each('seconds', 'ttl', 'pttl', 'expiretime', 'pexpiretime'),
  ...each('id', 'client id'),
  ...each('hello', 'hello'),
])

function each(measure: Measure, ...names: readonly string[]): [string, Measure][] {
  return names.map((name) => [name, measure])
}

export function nameOf(words: readonly Arg[]): string {
  return String(words[0]).toLowerCase()
}

export function measureOf(words: readonly Arg[]): Measure {
  const name = nameOf(words)
  const whole = `${name} ${String(words[1]).toLowerCase()}`
  return MEASURES.get(whole) ?? MEASURES.get(name) ?? 'exact'
}

/** What is compared of a reply: text that is equal where the replies are. */
export function measured(frame: Buffer, measure: Measure): string {
  const text = frame.toString('latin1')
  if (measure === 'exact' || text.startsWith('-')) return text
  if (typeof measure !== 'string') return elements(frame, measure)
  switch (measure) {
    case 'shape':
      return text.slice(0, text.startsWith('$-1') || text.startsWith('*-1') ? 3 : 1)
    case 'id':
      return text.replace(/^:\d+\r\n$/, ':<id>')
    case 'seconds':
      return text.replace(/^:\d+\r\n$/, ':<time>')
    case 'leaving':
      return text.replace(/^(.\d\r\n.*\r\n.*\r\n)\$\d+\r\n.*\r\n/, '$1<one>')
    case 'hello':
      return text.replace(/(\$2\r\nid\r\n):\d+/, '$1:<id>')
    case 'scan':
    case 'scan pairs': {
      const [cursor = null, found = null] = list(parse(frame))
      return `${headOf(text)} ${JSON.stringify(cursor)} ${sorted(found, measure === 'scan' ? 1 : 2)}`
    }
    case 'unordered':
      return `${headOf(text)} ${sorted(parse(frame), 1)}`
    case 'pairs':
      return `${headOf(text)} ${sorted(parse(frame), 2)}`
  }
}

/** The array that EXEC returns, each element by the measure of its command. */
function elements(frame: Buffer, measures: readonly Measure[]): string {
  const text = frame.toString('latin1')
  const head = headOf(text)
  if (!head.startsWith('*') || head === '*-1') return text
  const parts = new FrameScanner().feed(frame.subarray(head.length + 2))
  let n = 0
  const shown = parts.map((part) => {
    // A message may stand between the elements and is none of them (Redis up to 7.0).
    if (part.toString('latin1', 0, 1) === '>') return part.toString('latin1')
    const measure = measures[n] ?? 'exact'
    n += 1
    return measured(part, measure)
  })
  return [head, ...shown].join('\n')
}

function headOf(text: string): string {
  return text.slice(0, text.indexOf('\r\n'))
}

function list(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []
}

/** The elements, `step` at a time, in an order of their own. */
function sorted(reply: Reply, step: number): string {
  if (!Array.isArray(reply)) return JSON.stringify(reply)
  const whole = reply as readonly Reply[]
  const groups: string[] = []
  for (let n = 0; n < whole.length; n += step) groups.push(JSON.stringify(whole.slice(n, n + step)))
  return groups.sort().join(' ')
}
