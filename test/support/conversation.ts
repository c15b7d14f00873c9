import { createHash } from 'node:crypto'

import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'
import { encode } from './resp.ts'
import type { Arg } from './resp.ts'
import type { SentinelGroup } from './sentinel-group.ts'
import { until } from './until.ts'

/** What a conversation may reach besides its own connections. */
export interface Stage {
  readonly master: RedisServer
  readonly group: SentinelGroup
}

/** What the bytes that were read must be, whoever said them: exact, or a pattern over latin1. */
export type Expectation = string | RegExp

interface Reading {
  readonly who: string
  readonly expect?: Expectation | undefined
  /** Milliseconds, at least and at most, from the sending to the last byte. */
  readonly took?: readonly [number, number] | undefined
  /** Asked up to so often; the quickest must be in the window. For commands that change nothing. */
  readonly quickestOf?: number | undefined
  /** Remembers the integer in the reply under this name; `$name` in later requests stands for it. */
  readonly save?: string | undefined
  /** The reply shows remembered integers, which are the proxy's own: they are compared by name. */
  readonly ids?: boolean | undefined
}

export type Step =
  | ({ readonly do: 'send'; readonly bytes: Sendable; readonly frames: number } & Reading & {
        readonly segment?: number | undefined
      })
  | ({ readonly do: 'eof' } & Reading)
  | ({ readonly do: 'until'; readonly last: RegExp; readonly keep: RegExp } & Reading)
  | { readonly do: 'half-close'; readonly who: string }
  | { readonly do: 'drop'; readonly who: string }
  | { readonly do: 'server'; readonly command: readonly Arg[]; readonly expect?: Expectation }
  | { readonly do: 'wait'; readonly command: readonly Arg[]; readonly answer: RegExp }
  | { readonly do: 'act'; readonly what: string; act(stage: Stage): Promise<void> | void }

/** Bytes, or a function of the remembered names that makes them. */
export type Sendable = Buffer | ((saved: ReadonlyMap<string, string>) => Buffer)

export interface Conversation {
  /** The numbered behaviour that it shows, and in words. */
  readonly item: number
  readonly title: string
  readonly steps: readonly Step[]
  /** Commands run directly on the server before, and after (also when a step failed). */
  readonly before?: readonly string[]
  readonly after?: readonly string[]
  /** Exactly what may differ between two runs: each match is replaced. */
  readonly normalise?: readonly (readonly [RegExp, string])[]
}

type More = Omit<Reading, 'who' | 'expect'> & { readonly segment?: number }

/** A request as text: words at single blanks; `""` is the empty string. */
export function words(text: string): string[] {
  return text.split(' ').map((word) => (word === '""' ? '' : word))
}

function request(command: string | readonly Arg[]): Sendable {
  if (typeof command !== 'string') return encode(...command)
  if (!command.includes('$')) return encode(...words(command))
  return (saved) => {
    const filled = words(command).map((word) => {
      return word.startsWith('$') ? (saved.get(word.slice(1)) ?? word) : word
    })
    return encode(...filled)
  }
}

/** One command, one reply. */
export function say(
  who: string,
  command: string | readonly Arg[],
  expect?: Expectation,
  more: More = {},
): Step {
  return { do: 'send', who, bytes: request(command), frames: 1, expect, ...more }
}

/** One command whose reply is not read yet. */
export function ask(who: string, command: string | readonly Arg[]): Step {
  return { do: 'send', who, bytes: request(command), frames: 0 }
}

/** Several commands in one write, then so many replies. */
export function pipe(
  who: string,
  commands: readonly (string | readonly Arg[])[],
  frames: number,
  expect?: Expectation,
  more: More = {},
): Step {
  const parts = commands.map((each) => encode(...(typeof each === 'string' ? words(each) : each)))
  return { do: 'send', who, bytes: Buffer.concat(parts), frames, expect, ...more }
}

/** Bytes as they are (latin1), then so many replies. */
export function raw(
  who: string,
  bytes: string,
  frames: number,
  expect?: Expectation,
  more: More = {},
): Step {
  return { do: 'send', who, bytes: Buffer.from(bytes, 'latin1'), frames, expect, ...more }
}

export function read(who: string, frames: number, expect?: Expectation, more: More = {}): Step {
  return { do: 'send', who, bytes: Buffer.alloc(0), frames, expect, ...more }
}

/** Everything up to the end of the stream. */
export function eof(who: string, expect?: Expectation): Step {
  return { do: 'eof', who, expect }
}

/** Replies until one matches `last`; only those that match `keep` are compared. */
export function readUntil(who: string, last: RegExp, keep: RegExp): Step {
  return { do: 'until', who, last, keep }
}

export function halfClose(who: string): Step {
  return { do: 'half-close', who }
}

export function drop(who: string): Step {
  return { do: 'drop', who }
}

/** A command directly to the server; its reply is part of what is compared. */
export function server(command: string, expect?: Expectation): Step {
  const step = { do: 'server', command: words(command) } as const
  return expect === undefined ? step : { ...step, expect }
}

/** Asks the server directly until it answers so. */
export function waitFor(command: string, answer: RegExp): Step {
  return { do: 'wait', command: words(command), answer }
}

/** Until so many connections of the server are blocked. */
export function blocked(count: number): Step {
  return waitFor('INFO clients', new RegExp(`blocked_clients:${count}\\r`))
}

export function act(what: string, action: (stage: Stage) => Promise<void> | void): Step {
  return { do: 'act', what, act: action }
}

/** HELLO's connection id and CLIENT ID are the proxy's own: they may differ, nothing else may. */
export const HELLO_ID: readonly [RegExp, string] = [/(\$2\r\nid\r\n):\d+/g, '$1:<id>']

/** Holds one conversation with a port and answers with all that was read, step by step. */
export async function converse(
  port: number,
  stage: Stage,
  conversation: Conversation,
): Promise<string[]> {
  const talk = new Talk(port, stage, conversation)
  try {
    for (const command of conversation.before ?? []) await stage.master.command(...words(command))
    for (const [index, step] of conversation.steps.entries()) await talk.take(step, index)
    return talk.transcript
  } finally {
    await talk.leave()
    for (const command of conversation.after ?? []) await stage.master.command(...words(command))
  }
}

/** The reply was right but came later than allowed. */
class TooLate extends Error {}

class Talk {
  readonly transcript: string[] = []
  readonly #port: number
  readonly #stage: Stage
  readonly #conversation: Conversation
  readonly #clients = new Map<string, RawClient>()
  readonly #sentAt = new Map<string, number>()
  readonly #saved = new Map<string, string>()

  constructor(port: number, stage: Stage, conversation: Conversation) {
    this.#port = port
    this.#stage = stage
    this.#conversation = conversation
  }

  async take(step: Step, index: number): Promise<void> {
    const label = `step ${index + 1}`
    try {
      await this.#take(step, label)
    } catch (error) {
      const story = this.transcript.join('\n')
      throw new Error(`${label} (${step.do}) failed: ${String(error)}\n${story}`, { cause: error })
    }
  }

  async leave(): Promise<void> {
    for (const client of this.#clients.values()) await client.destroy()
  }

  async #take(step: Step, label: string): Promise<void> {
    switch (step.do) {
      case 'act':
        return step.act(this.#stage)
      case 'drop':
        return (await this.#client(step.who)).destroy()
      case 'half-close': {
        const client = await this.#client(step.who)
        client.end()
        return
      }
      case 'wait':
        return this.#wait(step.command, step.answer)
      case 'server':
        return this.#server(step.command, step.expect, label)
      case 'send':
        return this.#send(step, label)
      case 'eof': {
        const client = await this.#client(step.who)
        this.#read(step, label, await client.rest())
        return
      }
      case 'until':
        return this.#readUntil(step, label)
    }
  }

  /**
   * What is timed to a narrow window is asked several times where need be: a busy machine can only
   * add to a time, so the quickest tells what the way itself costs. Too early is wrong every time.
   */
  async #send(step: Extract<Step, { do: 'send' }>, label: string): Promise<void> {
    const told = this.transcript.length
    for (let more = (step.quickestOf ?? 1) - 1; ; more--) {
      this.transcript.length = told
      try {
        await this.#sendOnce(step, label)
        return
      } catch (error) {
        if (more === 0 || !(error instanceof TooLate)) throw error
      }
    }
  }

  async #sendOnce(step: Extract<Step, { do: 'send' }>, label: string): Promise<void> {
    const client = await this.#client(step.who)
    const bytes = typeof step.bytes === 'function' ? step.bytes(this.#saved) : step.bytes
    if (bytes.length > 0) {
      this.#sentAt.set(step.who, performance.now())
      await client.send(bytes, step.segment)
    }
    if (step.frames > 0) this.#read(step, label, Buffer.concat(await client.frames(step.frames)))
  }

  async #readUntil(step: Extract<Step, { do: 'until' }>, label: string): Promise<void> {
    const client = await this.#client(step.who)
    const kept: Buffer[] = []
    for (;;) {
      const [frame = Buffer.alloc(0)] = await client.frames(1)
      const text = frame.toString('latin1')
      if (step.keep.test(text)) kept.push(frame)
      if (step.last.test(text)) break
    }
    this.#read(step, label, Buffer.concat(kept))
  }

  #read(step: Reading, label: string, bytes: Buffer): void {
    const took = performance.now() - (this.#sentAt.get(step.who) ?? 0)
    const text = bytes.toString('latin1')
    this.transcript.push(`${label} ${step.who}: ${this.#normalise(text, step)}`)
    this.#check(text, step.expect)
    if (step.took === undefined) return
    const late = `took ${Math.round(took)} ms; allowed ${step.took.join(' to ')}`
    if (took < step.took[0]) throw new Error(late)
    if (took > step.took[1]) throw new TooLate(late)
  }

  #normalise(text: string, step: Reading): string {
    let shown = text
    if (step.save !== undefined) this.#saved.set(step.save, /-?\d+/.exec(text)?.[0] ?? '')
    if (step.save !== undefined || step.ids === true) {
      for (const [name, value] of this.#saved) {
        shown = shown.replaceAll(`:${value}\r`, `:<${name}>\r`)
      }
    }
    for (const [pattern, by] of this.#conversation.normalise ?? [])
      shown = shown.replace(pattern, by)
    if (shown.length <= 4_000) return JSON.stringify(shown)
    const digest = createHash('sha256').update(shown, 'latin1').digest('hex')
    return `${shown.length} bytes, sha256 ${digest}, begin ${JSON.stringify(shown.slice(0, 200))}`
  }

  #check(text: string, expected: Expectation | undefined): void {
    if (expected === undefined) return
    const right = typeof expected === 'string' ? text === expected : expected.test(text)
    if (!right) throw new Error(`expected ${String(expected)}, got ${JSON.stringify(text)}`)
  }

  async #server(
    command: readonly Arg[],
    expected: Expectation | undefined,
    label: string,
  ): Promise<void> {
    const reply = JSON.stringify(await this.#stage.master.command(...command))
    this.transcript.push(`${label} server: ${reply}`)
    this.#check(reply, expected)
  }

  async #wait(command: readonly Arg[], answer: RegExp): Promise<void> {
    const what = `${command.join(' ')} to answer ${String(answer)}`
    const ready = async (): Promise<boolean> => {
      const reply = await this.#stage.master.command(...command)
      return answer.test(typeof reply === 'string' ? reply : JSON.stringify(reply))
    }
    await until(ready, { within: 5_000, every: 5, what })
  }

  async #client(who: string): Promise<RawClient> {
    const known = this.#clients.get(who)
    if (known !== undefined) return known
    const client = await RawClient.connect(this.#port)
    this.#clients.set(who, client)
    return client
  }
}
