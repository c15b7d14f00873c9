import { RawClient } from '../raw-client.ts'
import { encode, isFault, parse } from '../resp.ts'
import type { Arg, Reply } from '../resp.ts'
import { ClientModel } from './model.ts'
import { measured } from './normalise.ts'
import type { Measure } from './normalise.ts'

const PATIENCE_MS = 10_000

export interface Ports {
  readonly direct: number
  readonly proxied: number
}

interface Answer {
  readonly frame: Buffer
  readonly measure: Measure
  readonly to: string
  /** No answer, and the answers that the proxy gives itself may overtake it. */
  readonly isMessage: boolean
  /** The proxy knows the answer itself. */
  readonly isLocal: boolean
}

const END = { measure: 'exact', to: 'the end', isMessage: false, isLocal: false } as const

/** Commands that the proxy answers without asking; nothing in these answers is data. */
const LOCAL = /^(CLIENT (ID|GETNAME|SETNAME|REPLY|UNBLOCK|KILL)|HELLO|RESET|QUIT)/i

const PUSH = 0x3e

/**
 * A push of RESP3 that stands behind answers that the proxy gives itself may be overtaken by them:
 * on both sides it is moved before them.
 */
function overtaking(answers: readonly Answer[]): Answer[] {
  const ordered: Answer[] = []
  for (const answer of answers) {
    let at = ordered.length
    if (answer.isMessage && answer.frame[0] === PUSH) {
      while (at > 0 && ordered[at - 1]?.isLocal === true) at -= 1
    }
    ordered.splice(at, 0, answer)
  }
  return ordered
}

/** The same for what came from the proxy, where the nth answer is to the nth command. */
function inOrder(frames: readonly Buffer[], due: readonly Answer[]): Buffer[] {
  const answers = due.filter((each) => !each.isMessage)
  const isPush = (frame: Buffer): boolean =>
    frame[0] === PUSH && PUSHED.test(frame.toString('latin1', 0, 40))
  let n = 0
  const told = frames.map((frame) => {
    const isMessage = isPush(frame)
    const isLocal = !isMessage && answers[n]?.isLocal === true
    if (!isMessage) n += 1
    return { frame, measure: 'exact', to: '', isMessage, isLocal } as const
  })
  return overtaking(told).map(({ frame }) => frame)
}

const PUSHED = /^>\d\r\n\$\d+\r\n(p?message|smessage|invalidate|tracking-redir-broken)\r\n/

/** A request as people can read it. */
export function shown(words: readonly Arg[]): string {
  return words
    .map((word) => JSON.stringify(Buffer.isBuffer(word) ? word.toString('latin1') : word))
    .map((word) => (word.length > 80 ? `${word.slice(0, 60)}…(${word.length})` : word))
    .join(' ')
}

/** One client twice: a connection to the server itself, and one to the proxy of an equal server. */
export class Pair {
  readonly name: string
  model = new ClientModel()
  hasStoppedTracking = false
  readonly #ports: Ports
  #direct: RawClient | undefined
  #proxied: RawClient | undefined
  /** What was said last, for the story of a failure. */
  readonly #story: string[] = []

  constructor(name: string, ports: Ports) {
    this.name = name
    this.#ports = ports
  }

  async connect(): Promise<void> {
    this.model = new ClientModel()
    this.hasStoppedTracking = false
    this.#direct = await RawClient.connect(this.#ports.direct, { patience: PATIENCE_MS })
    this.#proxied = await RawClient.connect(this.#ports.proxied, { patience: PATIENCE_MS })
    this.#tell('--- connects')
  }

  /** The same bytes to both, to the proxy in pieces of `segment`. */
  async send(bytes: Buffer, segment: number | undefined, what: readonly string[]): Promise<void> {
    for (const line of what) this.#tell(line)
    const { direct, proxied } = this.#both()
    await Promise.all([direct.send(bytes), proxied.send(bytes, segment)])
  }

  /** Reads the answers to `sayings`, with the messages between them, on both sides; compares. */
  async answers(sayings: readonly (readonly Arg[])[]): Promise<void> {
    const { direct, proxied } = this.#both()
    const due: Answer[] = []
    for (const words of sayings) {
      await this.#answersTo(words, direct, due).catch((error: unknown) => {
        throw this.#failure(`the server itself, asked ${shown(words)}: ${String(error)}`)
      })
    }
    let frames: Buffer[]
    try {
      frames = await proxied.frames(due.length)
    } catch (error) {
      const wanted = due.map((each) => `${each.to}: ${excerpt(each.frame)}`).join('\n')
      throw this.#failure(`${String(error)}\nthe server itself answered\n${wanted}`)
    }
    const real = inOrder(frames, due)
    for (const [n, answer] of overtaking(due).entries()) {
      this.#compare(answer, real[n] ?? Buffer.alloc(0))
    }
  }

  /** Everything up to the end of both streams is the same, byte for byte. */
  async ends(): Promise<void> {
    const { direct, proxied } = this.#both()
    const rest = await direct.rest()
    const got = await proxied.rest().catch((error: unknown) => {
      throw this.#failure(`${String(error)}\nthe server itself ended with ${excerpt(rest)}`)
    })
    this.#compare({ ...END, frame: rest }, got)
    await this.leave()
  }

  /** Closes the sending side of both. */
  halfClose(): void {
    this.#tell('--- half-closes')
    this.#both().direct.end()
    this.#both().proxied.end()
  }

  /** Both are gone at once. */
  async leave(): Promise<void> {
    this.#tell('--- leaves')
    await this.#direct?.destroy()
    await this.#proxied?.destroy()
  }

  /**
   * Iterates with SCAN or one of its kind to the end on both sides, each with its own cursors (the
   * empty word of `template`); what was found, and the messages between, are the same.
   */
  async scan(template: readonly string[]): Promise<void> {
    this.#tell(`iterates ${shown(template)}`)
    const { direct, proxied } = this.#both()
    const wanted = await this.#iterate(direct, template)
    const got = await this.#iterate(proxied, template)
    if (wanted !== got) throw this.#failure(`${shown(template)}: ${wanted} | ${got}`)
  }

  async #iterate(client: RawClient, template: readonly string[]): Promise<string> {
    const found = new Set<string>()
    const messages: string[] = []
    let cursor = '0'
    do {
      await client.send(encode(...template.map((word) => (word === '' ? cursor : word))))
      let frame: Buffer
      for (;;) {
        ;[frame = Buffer.alloc(0)] = await client.frames(1)
        if (!this.model.isMessage(frame)) break
        messages.push(frame.toString('latin1'))
      }
      const reply = parse(frame)
      if (!Array.isArray(reply)) return frame.toString('latin1')
      const [next = null, elements = null] = reply as readonly Reply[]
      cursor = typeof next === 'string' ? next : '0'
      for (const each of Array.isArray(elements) ? (elements as readonly Reply[]) : [])
        found.add(JSON.stringify(each))
    } while (cursor !== '0')
    return JSON.stringify([messages, [...found].sort()])
  }

  /** Nothing more may have come than was read. */
  checkSilence(): void {
    const { direct, proxied } = this.#both()
    if (direct.waiting === 0 && proxied.waiting === 0) return
    throw this.#failure(`${direct.waiting} and ${proxied.waiting} frames that nobody expected`)
  }

  async #answersTo(words: readonly Arg[], direct: RawClient, due: Answer[]): Promise<void> {
    const { model } = this
    const measure = model.measureFor(words)
    const to = shown(words)
    let missing = model.framesFor(words)
    while (missing > 0) {
      const [frame = Buffer.alloc(0)] = await direct.frames(1)
      if (model.isMessage(frame)) {
        due.push({ frame, measure: 'exact', to: 'a message', isMessage: true, isLocal: false })
        continue
      }
      due.push({ frame, measure, to, isMessage: false, isLocal: LOCAL.test(words.join(' ')) })
      model.learn(words, frame)
      missing = frame[0] === 0x2d && isFault(parse(frame)) ? 0 : missing - 1
    }
  }

  #compare(answer: Answer, got: Buffer): void {
    const right = measured(answer.frame, answer.measure)
    const real = measured(got, answer.measure)
    if (right === real) return
    let at = 0
    while (right[at] === real[at]) at += 1
    const from = Math.max(0, at - 60)
    throw this.#failure(
      `${answer.to}\n  direct  ${JSON.stringify(right.slice(from, at + 200))}\n` +
        `  proxied ${JSON.stringify(real.slice(from, at + 200))}`,
    )
  }

  #both(): { direct: RawClient; proxied: RawClient } {
    if (this.#direct === undefined || this.#proxied === undefined) {
      throw new Error(`${this.name} is not connected`)
    }
    return { direct: this.#direct, proxied: this.#proxied }
  }

  #tell(line: string): void {
    this.#story.push(line)
    if (this.#story.length > 60) this.#story.shift()
  }

  #failure(why: string): Error {
    const { resp, inTransaction, subscriptions } = this.model
    const state = JSON.stringify({ resp, inTransaction, subscriptions })
    return new Error(`${this.name}: ${why}\n${state}; it said\n  ${this.#story.join('\n  ')}`)
  }
}

function excerpt(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 300))
}
