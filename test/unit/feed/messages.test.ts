import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineReader } from '../../../src/feed/lines.ts'
import { decodeFeed, decodeReader, encode } from '../../../src/feed/messages.ts'
import type { FeedMessage, ReaderMessage } from '../../../src/feed/messages.ts'
import { emptyView } from '../../../src/topology/view.ts'
import type { View } from '../../../src/topology/view.ts'

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000)
console.info(`fast-check seed ${String(seed)} (FC_SEED=${String(seed)} repeats it)`)

const address = fc.record({ host: fc.string(), port: fc.integer({ min: 0, max: 65_535 }) })
const view: fc.Arbitrary<View> = fc
  .record({
    group: fc.string(),
    master: fc.option(address),
    runId: fc.option(fc.string()),
    configEpoch: fc.nat(),
    version: fc.nat(),
    why: fc.string({ unit: 'grapheme' }),
  })
  .map((fields) => ({ ...emptyView(fields.group), ...fields }))
const hold = fc.record({
  id: fc.nat(),
  reason: fc.constantFrom('odown' as const, 'promotion-sent' as const, 'operator' as const),
  ttlMs: fc.nat(),
})
const inForce = fc.record({ instance: fc.string(), holds: fc.array(fc.integer()) })
const snapshot = {
  type: fc.constant('snapshot' as const),
  view,
  hold: fc.option(hold),
  epochRestart: fc.boolean(),
}
const feedMessage: fc.Arbitrary<FeedMessage> = fc.oneof(
  fc.record(snapshot),
  fc.record({ ...snapshot, inForce }),
  fc.tuple(fc.string(), hold).map(([group, rest]) => ({ type: 'hold' as const, group, ...rest })),
  fc.record({
    type: fc.constant('release' as const),
    group: fc.string(),
    id: fc.nat(),
    reason: fc.constantFrom('aborted' as const, 'expired' as const),
  }),
  fc.record({
    type: fc.constant('switch' as const),
    view,
    why: fc.string(),
    epochRestart: fc.boolean(),
  }),
  fc.record({ type: fc.constant('view' as const), view, epochRestart: fc.boolean() }),
  fc.record({ type: fc.constant('looked' as const), group: fc.string(), token: fc.string() }),
  fc.record({
    type: fc.constant('heartbeat' as const),
    ages: fc.constant({ mymaster: 12, other: null }),
  }),
)

describe('the codec of the feed', () => {
  it('gives back what was put in, on one line', () => {
    fc.assert(
      fc.property(feedMessage, (message) => {
        const line = encode(message)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(decodeFeed(line.trimEnd())).toEqual(message)
      }),
      { seed },
    )
  })

  it('gives back what a reader says', () => {
    const messages: ReaderMessage[] = [
      { type: 'seen', group: 'mm', configEpoch: 3 },
      { type: 'look', group: 'mm', token: 'a-1' },
      { type: 'symptom', group: 'mm', what: 'readonly', address: '10.0.0.1:6379', generation: 4 },
      {
        ...{ type: 'gate', group: 'mm', pid: 7, worker: 0, state: 'holding' },
        ...{ holds: [-1, 4], inFlight: 2, upstream: '10.0.0.1:6379' },
      },
    ]
    for (const message of messages) expect(decodeReader(encode(message).trimEnd())).toEqual(message)
  })

  it.each([
    ['', /no JSON/],
    ['{', /no JSON/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    ['{"type":"view"}', /version undefined is spoken, not 1/],
    ['{"v":2,"type":"view"}', /version 2 is spoken, not 1/],
    ['{"v":1,"type":"symptom"}', /no message of type symptom/],
    ['{"v":1,"type":"toString"}', /no message of type toString/],
    ['{"v":1,"type":"view","epochRestart":false}', /view is no object/],
    ['{"v":1,"type":"view","epochRestart":0,"view":{}}', /epochRestart is number, not boolean/],
    ['{"v":1,"type":"view","epochRestart":true,"view":{"group":1}}', /group is number/],
    [
      '{"v":1,"type":"view","epochRestart":true,"view":{"group":"g","configEpoch":1,"version":1,"master":{"host":"h"}}}',
      /port is undefined, not number/,
    ],
    [
      '{"v":1,"type":"snapshot","epochRestart":true,"view":{"group":"g","configEpoch":1,"version":1,"master":null},"inForce":{"instance":"a","holds":["1"]}}',
      /holds is no list of numbers/,
    ],
    ['{"v":1,"type":"hold","group":"g","id":1,"ttlMs":"9"}', /ttlMs is string/],
    ['{"v":1,"type":"looked","group":"g"}', /token is undefined/],
    ['{"v":1,"type":"heartbeat","ages":[]}', /ages is no object/],
  ])('refuses %s', (line, reason) => {
    expect(() => decodeFeed(line)).toThrow(reason)
  })

  it.each([
    '{"v":1,"type":"view"}',
    '{"v":1,"type":"seen","group":"g"}',
    '{"v":1,"type":"look","group":"g"}',
    '{"v":1,"type":"symptom"}',
    '{"v":1,"type":"gate","group":"g","pid":1,"worker":0,"state":"open","inFlight":0}',
    '{"v":1,"type":"gate","group":"g","pid":1,"worker":0,"state":"open","inFlight":0,"holds":[""]}',
  ])('refuses %s from a reader', (line) => {
    expect(() => decodeReader(line)).toThrow()
  })
})

describe('LineReader', () => {
  it('finds the same lines however the bytes are cut', () => {
    const text = fc.array(fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\n', '')))
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 50 })), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const reader = new LineReader(10_000)
        const found: string[] = []
        let start = 0
        for (const cut of [...cuts, bytes.length]) {
          found.push(...reader.push(bytes.subarray(start, start + cut)))
          start += cut
        }
        expect(found).toEqual(lines)
      }),
      { seed },
    )
  })

  it('refuses a line that is too long, whole or in parts', () => {
    expect(() => new LineReader(4).push(Buffer.from('12345\n'))).toThrow(/longer than 4/)
    const reader = new LineReader(4)
    expect(reader.push(Buffer.from('1234'))).toEqual([])
    expect(() => reader.push(Buffer.from('5'))).toThrow(/longer than 4/)
  })
})
