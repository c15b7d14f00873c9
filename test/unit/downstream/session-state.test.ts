import { describe, expect, test } from 'vitest'
import {
  initialState,
  leaseReasons,
  linkState,
  nobody,
  reduce,
  type SessionState,
  type StateEvent,
} from '../../../src/downstream/session-state.ts'

const user = { name: 'u', auth: [Buffer.from('u'), Buffer.from('p')] }

function after(...events: readonly StateEvent[]): SessionState {
  return events.reduce(reduce, initialState)
}

const multi: StateEvent = { what: 'multi' }
const over: StateEvent = { what: 'transaction-over' }
const flawed: StateEvent = { what: 'transaction-flawed' }
const watched: StateEvent = { what: 'watched' }
const unwatched: StateEvent = { what: 'unwatched' }
const lost: StateEvent = { what: 'link-lost' }

describe('transaction and watch', () => {
  test.each<[string, readonly StateEvent[], SessionState['transaction'], SessionState['watch']]>([
    ['at first', [], 'none', 'none'],
    ['MULTI', [multi], 'open', 'none'],
    ['MULTI, EXEC', [multi, over], 'none', 'none'],
    ['a queued command was lost', [multi, flawed], 'flawed', 'none'],
    ['a command was lost outside', [flawed], 'none', 'none'],
    ['flawed, EXEC', [multi, flawed, over], 'none', 'none'],
    ['WATCH', [watched], 'none', 'set'],
    ['WATCH, MULTI', [watched, multi], 'open', 'set'],
    ['WATCH, MULTI, EXEC', [watched, multi, over], 'none', 'none'],
    ['WATCH, UNWATCH', [watched, unwatched], 'none', 'none'],
    ['the link was lost', [lost], 'none', 'none'],
    ['MULTI, the link was lost', [multi, lost], 'open', 'none'],
    ['WATCH, the link was lost', [watched, lost], 'none', 'broken'],
    ['… and lost again', [watched, lost, lost], 'none', 'broken'],
    ['… another WATCH does not heal it', [watched, lost, watched], 'none', 'broken'],
    ['… UNWATCH does', [watched, lost, unwatched], 'none', 'none'],
    ['… and EXEC does', [watched, lost, multi, over], 'none', 'none'],
    ['… and RESET does', [watched, lost, multi, { what: 'reset' }], 'none', 'none'],
  ])('%s', (_what, events, transaction, watch) => {
    expect(after(...events)).toMatchObject({ transaction, watch })
  })
})

describe('what links are chosen by', () => {
  test('one object for each identity, version and db', () => {
    const state = after(
      { what: 'authenticated', identity: user },
      { what: 'protocol', resp: 3 },
      { what: 'selected', db: 7 },
    )
    expect(state.link).toEqual({ identity: user, resp: 3, db: 7 })
    expect(state.link).toBe(linkState(user, 3, 7))
    expect(
      new Set([linkState(user, 3, 7), linkState(user, 2, 7), linkState(user, 3, 8)]).size,
    ).toBe(3)
    expect(linkState(nobody, 2, 0)).toBe(initialState.link)
  })

  test('each event changes its own part only', () => {
    const full = after(
      { what: 'authenticated', identity: user },
      { what: 'protocol', resp: 3 },
      { what: 'selected', db: 7 },
      { what: 'named', name: 'me' },
    )
    expect(reduce(full, { what: 'selected', db: 0 })).toMatchObject({
      name: 'me',
      link: { identity: user, resp: 3, db: 0 },
    })
    expect(reduce(full, { what: 'protocol', resp: 2 }).link).toBe(linkState(user, 2, 7))
    expect(reduce(full, { what: 'authenticated', identity: nobody }).link).toBe(
      linkState(nobody, 3, 7),
    )
    for (const event of [multi, over, watched, unwatched, lost]) {
      expect(reduce(full, event).link).toBe(full.link)
    }
  })

  test('RESET leaves nothing but pool mode dedicated', () => {
    const full = after(
      { what: 'authenticated', identity: user },
      { what: 'protocol', resp: 3 },
      { what: 'selected', db: 7 },
      { what: 'named', name: 'me' },
      { what: 'replies', mode: 'off' },
      { what: 'sticky', reason: 'tracking', on: true },
      multi,
    )
    expect(reduce(full, { what: 'reset' })).toEqual(initialState)
    const dedicated = reduce(full, { what: 'sticky', reason: 'dedicated', on: true })
    expect([...reduce(dedicated, { what: 'reset' }).sticky]).toEqual(['dedicated'])
  })
})

describe('why a link of its own is needed', () => {
  test.each<[readonly StateEvent[], number, readonly string[]]>([
    [[], 0, []],
    [[multi], 0, ['transaction']],
    [[multi, flawed], 0, ['transaction']],
    [[watched, lost], 0, ['watch']],
    [[watched, multi], 2, ['transaction', 'watch', 'subscription']],
    [[{ what: 'sticky', reason: 'wait', on: true }], 0, ['wait']],
    [
      [
        { what: 'sticky', reason: 'tracking', on: true },
        { what: 'sticky', reason: 'no-evict', on: true },
        { what: 'sticky', reason: 'tracking', on: false },
      ],
      0,
      ['no-evict'],
    ],
    [
      [
        { what: 'selected', db: 3 },
        { what: 'named', name: 'me' },
      ],
      0,
      [],
    ],
  ])('%j and %i subscriptions: %j', (events, subscriptions, reasons) => {
    expect(leaseReasons(after(...events), subscriptions)).toEqual(reasons)
  })
})
