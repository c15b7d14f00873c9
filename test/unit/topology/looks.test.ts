import { expect, test } from 'vitest'
import { Looks } from '../../../src/topology/looks.ts'
import type { PollEvidence } from '../../../src/topology/evidence.ts'
import { initialState, voteRules } from '../../../src/topology/state.ts'
import type { VoteState } from '../../../src/topology/state.ts'
import { vote } from '../../../src/topology/vote.ts'
import { a, b, GROUP, isMaster, poll, s1, s2, s3 } from './vote-kit.ts'
import type { Observe } from './vote-kit.ts'

/** A group of three sentinels that follows `a` at epoch 1, at 1,000 ms. */
class Group {
  readonly looks = new Looks()
  #state: VoteState = initialState(voteRules(GROUP))

  constructor() {
    const sentinels = [s1, s2, s3]
    this.#hear({ kind: 'configured', at: 0, wall: 0, sentinels })
    for (const sentinel of sentinels) this.answer(poll(sentinel, a, 1), 1_000)
    this.#hear(isMaster(a)({ at: 1_000, wall: 1_000 }))
    expect(this.#state.view.master).toEqual(a)
  }

  #hear(evidence: Parameters<typeof vote>[1]): void {
    this.#state = vote(this.#state, evidence).state
  }

  /** One answer is heard; the looks that are done with it. */
  answer(observe: Observe, at: number): readonly string[] {
    const evidence = observe({ at, wall: at }) as PollEvidence
    this.#hear(evidence)
    return this.looks.done(evidence, this.#state)
  }
}

test('done when a majority, asked since, stands by the master', () => {
  const group = new Group()
  group.looks.begin('t', 2_000)
  expect(group.answer(poll(s1, a, 1), 2_010)).toEqual([])
  expect(group.answer(poll(s1, a, 1), 2_020)).toEqual([])
  expect(group.answer(poll(s2, a, 1), 2_020)).toEqual(['t'])
  expect(group.answer(poll(s3, a, 1), 2_030)).toEqual([])
})

test('an answer to a question from before says nothing of now', () => {
  const group = new Group()
  group.looks.begin('t', 2_000)
  group.answer(poll(s1, a, 1), 2_010)
  expect(group.answer(poll(s2, a, 1, { askedAt: 1_999 }), 2_010)).toEqual([])
  expect(group.answer(poll(s2, a, 1, { askedAt: 2_000 }), 2_020)).toEqual(['t'])
})

test('nor does a sentinel in TILT, or one that names another', () => {
  const group = new Group()
  group.looks.begin('t', 2_000)
  group.answer(poll(s1, a, 1), 2_010)
  expect(group.answer(poll(s2, a, 1, { tilt: true }), 2_010)).toEqual([])
  expect(group.answer(poll(s3, b, 2), 2_010)).toEqual([])
})

test('each has its own time, and the oldest of too many gives way', () => {
  const group = new Group()
  group.looks.begin('first', 2_000)
  for (let n = 0; n < 255; n++) group.looks.begin(`t${String(n)}`, 3_000)
  group.answer(poll(s1, a, 1), 2_500)
  expect(group.answer(poll(s2, a, 1), 2_500)).toEqual(['first'])
  group.looks.begin('one', 3_000)
  group.looks.begin('more', 3_000)
  group.answer(poll(s1, a, 1), 3_500)
  const done = group.answer(poll(s2, a, 1), 3_500)
  expect([done.length, done.includes('t0'), done.includes('more')]).toEqual([256, false, true])
})
