import { decodeReply, firstElement } from '../protocol/reply.ts'
import { encodeRequest } from '../protocol/request.ts'
import type { SessionVerb } from '../routing/traits.ts'

const messageKinds = bulks('message', 'pmessage', 'smessage')
const confirmationKinds = bulks(
  'subscribe',
  'psubscribe',
  'ssubscribe',
  'unsubscribe',
  'punsubscribe',
  'sunsubscribe',
)

const LF = 0x0a
const typeBulk = 0x24
const typeArray = 0x2a
const typePush = 0x3e

/** The three kinds of subscription, each a set of its own on the server (pubsub.c). */
type Kind = 'channels' | 'patterns' | 'shards'

const kindOf: Readonly<Record<string, { readonly kind: Kind; readonly adds: boolean }>> = {
  subscribe: { kind: 'channels', adds: true },
  psubscribe: { kind: 'patterns', adds: true },
  ssubscribe: { kind: 'shards', adds: true },
  unsubscribe: { kind: 'channels', adds: false },
  punsubscribe: { kind: 'patterns', adds: false },
  sunsubscribe: { kind: 'shards', adds: false },
}

/**
 * What one session is subscribed to, as confirmed by the server so far; and by that, which frames
 * of its link answer a command and which are messages. Names are kept as latin1, byte for byte.
 */
export class Subscriptions {
  readonly channels = new Set<string>()
  readonly patterns = new Set<string>()
  readonly shards = new Set<string>()

  get size(): number {
    return this.channels.size + this.patterns.size + this.shards.size
  }

  /**
   * RESP3: a push answers a command only if it is a confirmation. RESP2: an array is a message only
   * while there are subscriptions and it says so; else an array that begins with "message" is a reply.
   */
  isPush(resp: 2 | 3, type: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (type === typePush) return !beginsWith(bytes, start, end, confirmationKinds)
    return resp === 2 && this.size > 0 && beginsWith(bytes, start, end, messageKinds)
  }

  /** Frames with which the server will confirm a command of this family. */
  framesFor(verb: SessionVerb, argc: number): number {
    if (argc > 1) return argc - 1
    const row = kindOf[verb]
    return row === undefined || row.adds ? 1 : Math.max(1, this[row.kind].size)
  }

  /** Takes note of one confirmation frame. */
  confirm(frame: Uint8Array): void {
    const decoded = decodeReply(frame, 0, frame.length)
    if (!Array.isArray(decoded) || decoded.length < 2) return
    const row = kindOf[text(decoded[0])]
    if (row === undefined || decoded[1] === null) return
    if (row.adds) this[row.kind].add(text(decoded[1]))
    else this[row.kind].delete(text(decoded[1]))
  }

  clear(): void {
    this.channels.clear()
    this.patterns.clear()
    this.shards.clear()
  }

  /** The requests that make a new link what the lost one was, and how many frames each answers. */
  rebuild(): { request: Uint8Array; frames: number }[] {
    const parts: { request: Uint8Array; frames: number }[] = []
    const add = (command: string, names: ReadonlySet<string>): void => {
      if (names.size === 0) return
      const raw = [...names].map((name) => Buffer.from(name, 'latin1'))
      parts.push({ request: encodeRequest([command, ...raw]), frames: raw.length })
    }
    add('SUBSCRIBE', this.channels)
    add('PSUBSCRIBE', this.patterns)
    add('SSUBSCRIBE', this.shards)
    return parts
  }
}

function text(element: unknown): string {
  return element instanceof Uint8Array ? Buffer.from(element).toString('latin1') : String(element)
}

interface Kinds {
  readonly words: ReadonlySet<string>
  /** The words as they stand in a frame, `$7␍␊message␍␊`. */
  readonly encoded: readonly Uint8Array[]
}

function bulks(...words: readonly string[]): Kinds {
  const encoded = words.map((word) => Buffer.from(`$${String(word.length)}\r\n${word}\r\n`))
  return { words: new Set(words), encoded }
}

/**
 * Is the first element of this array or push one of these words? Asked for every message, so the
 * bytes are compared where they lie; what no server writes to a subscriber is decoded.
 */
function beginsWith(bytes: Uint8Array, start: number, end: number, kinds: Kinds): boolean {
  const type = bytes[start]
  let at = start
  while (at < end && bytes[at] !== LF) at++
  at++
  if ((type !== typePush && type !== typeArray) || (at < end && bytes[at] !== typeBulk)) {
    return kinds.words.has(firstElement(bytes, start, end))
  }
  for (const word of kinds.encoded) if (isAt(bytes, at, end, word)) return true
  return false
}

function isAt(bytes: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (end - at < word.length) return false
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}
