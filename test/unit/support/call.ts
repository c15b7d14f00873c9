import type { ProxyError } from '../../../src/base/errors.ts'
import type { Affinity, Exchange, Fate, LinkState, Via } from '../../../src/dispatcher.ts'
import { encodeRequest } from '../../../src/protocol/request.ts'
import { knownCommands } from '../../../src/routing/classes.ts'
import type { Traits } from '../../../src/routing/traits.ts'

/** The traits of a command that the router knows. */
export function traitsOf(name: string): Traits {
  const known = knownCommands.get(name.toLowerCase())
  if (known === undefined) throw new Error(`no such command: ${name}`)
  return known.traits
}

export const plainState: LinkState = { identity: { name: 'default', auth: null }, resp: 2, db: 0 }

/** What became of a command. */
export type Outcome =
  | { readonly what: 'answered'; readonly text: string }
  | { readonly what: 'lost'; readonly code: ProxyError['code']; readonly fate: Fate }

export interface CallOptions {
  readonly state?: LinkState
  readonly affinity?: number
  readonly isAlone?: boolean
  readonly replies?: number
  readonly linkOnly?: boolean
  readonly errorEnds?: boolean
  readonly body?: Exchange['body']
  readonly via?: Via
}

/** One command of a test, and everything that its client is told. */
export class Call implements Exchange {
  bytes: Uint8Array
  start = 0
  end: number
  readonly traits: Traits
  readonly state: LinkState
  readonly replies: number
  readonly commands: number = 1
  answered = 0
  readonly affinity: Affinity
  readonly isAlone: boolean
  attempts = 0
  deadline = 0
  abandoned = false
  readonly linkOnly: boolean
  readonly errorEnds: boolean
  body: Exchange['body']
  readonly via: Via

  readonly label: string
  /** The parts of the reply, in the order in which they came. */
  readonly parts: string[] = []
  readonly outcomes: Outcome[] = []
  /** Parts that are still to be refused because the client reads too slowly. */
  slow = 0
  #resume: (() => void)[] = []

  constructor(request: string, options: CallOptions = {}) {
    const words = request.split(' ')
    this.label = request
    this.bytes = new Uint8Array(encodeRequest(words))
    this.end = this.bytes.length
    const [name = '', sub = ''] = words
    const container = `${name}|${sub}`.toLowerCase()
    this.traits = traitsOf(knownCommands.has(container) ? container : name)
    this.state = options.state ?? plainState
    const link = options.affinity ?? 0
    this.affinity = { home: link, link }
    this.isAlone = options.isAlone ?? false
    this.replies = options.replies ?? 1
    this.linkOnly = options.linkOnly ?? false
    this.errorEnds = options.errorEnds ?? false
    this.body = options.body ?? 'whole'
    this.via = options.via ?? 'lane'
  }

  split(): Call[] {
    return [this]
  }

  onReply(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    this.parts.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'))
    if (last) this.outcomes.push({ what: 'answered', text: this.parts.join('') })
    if (this.slow === 0) return true
    this.slow--
    return false
  }

  onResume(fn: () => void): void {
    this.#resume.push(fn)
  }

  /** The slow client reads again. */
  resume(): void {
    for (const fn of this.#resume.splice(0)) fn()
  }

  onLost(cause: ProxyError, fate: Fate): void {
    this.outcomes.push({ what: 'lost', code: cause.code, fate })
  }

  /** The request as it would go out now. */
  get wire(): string {
    return Buffer.from(this.bytes.subarray(this.start, this.end)).toString('latin1')
  }

  /** The reply, or the code of the error that its client was told, or '' while nothing is known. */
  get told(): string {
    const [first, ...more] = this.outcomes
    if (first === undefined) return ''
    if (more.length > 0) throw new Error(`${this.label} was told ${this.outcomes.length} times`)
    return first.what === 'answered' ? first.text : `${first.code} ${first.fate}`
  }
}
