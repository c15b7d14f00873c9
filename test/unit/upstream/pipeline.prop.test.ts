import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call } from '../support/call.ts'
import { connected, stage } from './link-kit.ts'

watchLeaks()

const texts = {
  ok: '+OK\r\n',
  one: ':1\r\n',
  nil: '$-1\r\n',
  array: '*1\r\n$1\r\na\r\n',
  error: '-ERR no\r\n',
  large: `$70000\r\n${'x'.repeat(70_000)}\r\n`,
  refusal: "-READONLY You can't write against a read only replica.\r\n",
} as const

type Reply = keyof typeof texts

const anyReply: fc.Arbitrary<Reply> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('ok', 'one', 'nil', 'array', 'error') },
  { weight: 1, arbitrary: fc.constantFrom('large', 'refusal') },
)

/** Calls that go to the link as one; what is told to the whole is one text. */
class Pipeline extends Call {
  readonly calls: readonly Call[]
  override readonly commands: number

  constructor(calls: readonly Call[]) {
    super('GET a')
    this.calls = calls
    this.commands = calls.length
    this.bytes = Buffer.concat(calls.map(({ bytes }) => bytes))
    this.end = this.bytes.length
  }

  override split(): Call[] {
    return this.calls.slice(this.answered)
  }
}

interface Sent {
  /** Above 1: a pipeline. */
  readonly replies: readonly Reply[]
}

const sent: fc.Arbitrary<Sent> = fc.record({
  replies: fc.oneof(
    fc.array(anyReply, { minLength: 1, maxLength: 1 }),
    fc.array(anyReply, { minLength: 2, maxLength: 12 }),
  ),
})

/** What must have been heard: a refused command, and all behind a refusal that it takes, nothing. */
test('a pipeline is answered as its commands would be, wherever the reads end', async () => {
  const on = await stage()
  on.notes.takes = (text) => text === texts.refusal
  await fc.assert(
    fc.asyncProperty(
      fc.array(sent, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat({ max: 200_000 }), { maxLength: 12 }),
      fc.option(fc.nat({ max: 60 }), { nil: undefined }),
      async (all, someCuts, lostAfter) => {
        const { link } = await connected(on)
        on.notes.lost.length = 0
        on.notes.takenBack.length = 0
        const flat = all.flatMap(({ replies }) => replies)
        const calls = flat.map((_, i) => new Call(`GET ${String(i)}`))
        const tops: Call[] = []
        let next = 0
        for (const { replies } of all) {
          const own = calls.slice(next, (next += replies.length))
          const top = own.length === 1 ? (own[0] as Call) : new Pipeline(own)
          tops.push(top)
          link.send(top)
        }
        link.flush()
        expect(link.commands).toBe(flat.length)
        // the server answers so many, and then perhaps is gone
        const answered = Math.min(lostAfter ?? flat.length, flat.length)
        const heard = flat.slice(0, answered)
        const bytes = Buffer.from(heard.map((each) => texts[each]).join(''))
        const cuts = [...new Set([...someCuts.map((at) => at % (bytes.length + 1)), bytes.length])]
        let from = 0
        for (const to of cuts.sort((a, b) => a - b)) {
          link.receive(bytes.subarray(from, to))
          from = to
        }
        expect(link.commands).toBe(flat.length - answered)
        const unsent = new Call('GET unsent')
        link.send(unsent)
        link.destroy(new ProxyError('LINK_LOST', 'cut'))
        expect(link.commands).toBe(0)

        const told = (top: Call): string =>
          [top, ...(top instanceof Pipeline ? top.calls : [])]
            .flatMap(({ parts }) => parts)
            .join('')
        const due = heard.map((each) => (each === 'refusal' ? '' : texts[each]))
        let at = 0
        for (const [i, top] of tops.entries()) {
          const count = all[i]?.replies.length ?? 0
          expect(told(top)).toBe(due.slice(at, (at += count)).join(''))
        }
        expect(on.notes.takenBack).toEqual(calls.filter((_, i) => heard[i] === 'refusal'))
        const lost = on.notes.lost.map(([each, , fate]) => [each, fate])
        const sent = calls.slice(answered).map((each) => [each, 'in-doubt'])
        expect(lost).toEqual([...sent, [unsent, 'unsent']])
      },
    ),
    { numRuns: 150 },
  )
})
