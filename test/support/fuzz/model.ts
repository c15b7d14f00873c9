import { isFault, parse } from '../resp.ts'
import type { Arg, Reply } from '../resp.ts'
import { measureOf, nameOf } from './normalise.ts'
import type { Measure } from './normalise.ts'

const MESSAGES: ReadonlySet<Reply> = new Set([
  'message',
  'pmessage',
  'smessage',
  'invalidate',
  'tracking-redir-broken',
])

const SUBSCRIBING: ReadonlySet<string> = new Set(['subscribe', 'psubscribe', 'ssubscribe'])
const LEAVING: ReadonlySet<string> = new Set(['unsubscribe', 'punsubscribe', 'sunsubscribe'])

/**
 * Of a client of the server itself: as much of its state as is needed to know which of the frames
 * that come answer which command, and what may be asked next. The server's own replies teach it.
 */
export class ClientModel {
  resp: 2 | 3 = 2
  inTransaction = false
  watching = false
  replies: 'on' | 'off' | 'skip' = 'on'
  readonly #subscriptions = { p: new Set<Reply>(), s: new Set<Reply>(), '': new Set<Reply>() }
  #queued: (readonly Arg[])[] = []

  get subscriptions(): number {
    const { p, s, '': channels } = this.#subscriptions
    return p.size + s.size + channels.size
  }

  /** A subscriber of RESP2 may ask next to nothing. */
  get confined(): boolean {
    return this.resp === 2 && this.subscriptions > 0
  }

  /** Is this frame a message, that is, no answer? */
  isMessage(frame: Buffer): boolean {
    const type = frame.toString('latin1', 0, 1)
    if (type !== '>' && (type !== '*' || !this.confined)) return false
    const reply = parse(frame)
    return Array.isArray(reply) && MESSAGES.has((reply as readonly Reply[])[0] ?? null)
  }

  /** Frames that answer this command, unless the first is an error. */
  framesFor(words: readonly Arg[]): number {
    const name = nameOf(words)
    if (this.#setsReplies(words)) {
      return this.#repliesTo(String(words[2]).toLowerCase())
    }
    if (this.replies === 'skip') {
      this.replies = 'on'
      return 0
    }
    if (this.replies === 'off') return 0
    if (this.inTransaction) return 1
    if (SUBSCRIBING.has(name)) return Math.max(1, words.length - 1)
    if (LEAVING.has(name)) {
      return words.length > 1 ? words.length - 1 : Math.max(1, this.#setOf(name).size)
    }
    return 1
  }

  /** How the reply to this command is compared; asked before `learn`. */
  measureFor(words: readonly Arg[]): Measure {
    const name = nameOf(words)
    if (!this.inTransaction) {
      return LEAVING.has(name) && words.length === 1 ? 'leaving' : measureOf(words)
    }
    if (name === 'exec') return this.#queued.map((each) => measureOf(each))
    return 'exact'
  }

  /** Takes note of a frame that answers `words`. */
  learn(words: readonly Arg[], frame: Buffer): void {
    const reply = parse(frame)
    const name = nameOf(words)
    if (this.inTransaction) this.#learnQueued(name, words, reply)
    else if (!isFault(reply)) this.#change(name, words, reply)
  }

  #learnQueued(name: string, words: readonly Arg[], reply: Reply): void {
    if (reply === 'QUEUED') {
      this.#queued.push(words)
      return
    }
    const isOver = name === 'exec' || (name === 'discard' && !isFault(reply)) || name === 'reset'
    if (!isOver) return
    const queued = this.#queued
    this.#queued = []
    this.inTransaction = false
    this.watching = false
    if (reply === 'RESET') this.#reset()
    if (name !== 'exec' || !Array.isArray(reply)) return
    const results = reply as readonly Reply[]
    for (const [n, each] of queued.entries()) {
      const result = results[n] ?? null
      if (!isFault(result)) this.#change(nameOf(each), each, result)
    }
  }

  #change(name: string, words: readonly Arg[], reply: Reply): void {
    const first = String(words[1])
    if (name === 'multi') this.inTransaction = true
    else if (name === 'reset') this.#reset()
    else if (name === 'watch') this.watching = true
    else if (name === 'unwatch') this.watching = false
    else if (name === 'hello' && words.length > 1) this.resp = first === '3' ? 3 : 2
    else if (SUBSCRIBING.has(name) || LEAVING.has(name)) {
      const [kind = null, channel = null] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
      if (channel === null) return
      if (typeof kind === 'string' && LEAVING.has(kind)) this.#setOf(name).delete(channel)
      else this.#setOf(name).add(channel)
    }
  }

  #setOf(name: string): Set<Reply> {
    if (name.startsWith('p')) return this.#subscriptions.p
    return this.#subscriptions[/^s(s|un)/.test(name) ? 's' : '']
  }

  /** CLIENT REPLY, where the server obeys it. */
  #setsReplies(words: readonly Arg[]): boolean {
    if (this.inTransaction || this.confined) return false
    return /^client reply$/i.test(words.slice(0, 2).join(' '))
  }

  #repliesTo(mode: string): number {
    if (mode === 'on') this.replies = 'on'
    else if (mode === 'off') this.replies = 'off'
    else if (this.replies !== 'off') this.replies = 'skip'
    return mode === 'on' ? 1 : 0
  }

  #reset(): void {
    this.resp = 2
    this.inTransaction = false
    this.watching = false
    this.replies = 'on'
    this.#queued = []
    for (const set of Object.values(this.#subscriptions)) set.clear()
  }
}
