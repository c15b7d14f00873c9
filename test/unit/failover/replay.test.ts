import { describe, expect, test } from 'vitest'
import type { Fate } from '../../../src/dispatcher.ts'
import {
  judge,
  replayedBy,
  type InDoubtPolicy,
  type Judgement,
} from '../../../src/failover/replay.ts'
import { Call, type CallOptions } from '../support/call.ts'

/** One request of each class of `session-semantics` §7, and what is done when its fate is unknown. */
const classes: readonly (readonly [
  request: string,
  kind: string,
  first: Record<InDoubtPolicy, Judgement>,
  second: Record<InDoubtPolicy, Judgement>,
])[] = (() => {
  const doubt = { error: 'in-doubt', close: 'close', 'retry-idempotent': 'in-doubt' } as const
  const again = { error: 'again', close: 'again', 'retry-idempotent': 'again' } as const
  const idempotent = { ...doubt, 'retry-idempotent': 'again' } as const
  return [
    ['GET k', 'read', again, doubt],
    ['SORT k', 'read', again, doubt],
    ['EVAL_RO s 0', 'read', again, doubt],
    ['XREAD STREAMS s 0', 'read', again, doubt],
    ['BLPOP k 0', 'blocking', again, again],
    ['XREAD BLOCK 0 STREAMS s $', 'blocking', again, again],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s >', 'blocking', again, again],
    ['SET k v', 'same-state', idempotent, doubt],
    ['MSET k v', 'same-state', idempotent, doubt],
    ['SORT k STORE d', 'same-state', idempotent, doubt],
    ['DEL k', 'other-reply', doubt, doubt],
    ['SADD k m', 'other-reply', doubt, doubt],
    ['EXPIRE k 10', 'time-relative', doubt, doubt],
    ['SET k v EX 10', 'time-relative', doubt, doubt],
    ['SET k v NX', 'never', doubt, doubt],
    ['INCR k', 'never', doubt, doubt],
    ['LPUSH k v', 'never', doubt, doubt],
    ['PUBLISH c m', 'never', doubt, doubt],
    ['EVAL s 0', 'never', doubt, doubt],
    ['EXEC', 'never', doubt, doubt],
    ['FLUSHALL', 'never', doubt, doubt],
    ['CONFIG SET a b', 'never', doubt, doubt],
  ]
})()

const policies = ['error', 'close', 'retry-idempotent'] as const
const fates = ['unsent', 'in-doubt'] as const
const bodies = ['whole', 'receiving', 'received'] as const

function lost(request: string, attempts: number, options: CallOptions = {}): Call {
  const call = new Call(request, options)
  call.attempts = attempts
  return call
}

describe('a command that may have been executed', () => {
  test.each(classes)('%s (%s)', (request, kind, first, second) => {
    for (const policy of policies) {
      expect(judge(lost(request, 1), 'in-doubt', false, policy), `first, ${policy}`).toBe(
        first[policy],
      )
      expect(judge(lost(request, 2), 'in-doubt', false, policy), `second, ${policy}`).toBe(
        second[policy],
      )
    }
    if (kind !== 'never') expect(replayedBy(lost(request, 1), 'in-doubt')).toBe(kind)
  })
})

describe('whatever the class', () => {
  const everywhere = (
    check: (request: string, fate: Fate, policy: InDoubtPolicy, attempts: number) => void,
  ): void => {
    for (const [request] of classes) {
      for (const fate of fates) {
        for (const policy of policies) {
          for (const attempts of [0, 1, 2, 5]) check(request, fate, policy, attempts)
        }
      }
    }
  }

  test('what was never handed over is sent, however often that happens', () => {
    everywhere((request, _fate, policy, attempts) => {
      const call = lost(request, attempts)
      expect(judge(call, 'unsent', false, policy), request).toBe('again')
      expect(replayedBy(call, 'unsent')).toBe('unsent')
    })
  })

  test('half a reply is never continued by another: its client is closed', () => {
    everywhere((request, fate, policy, attempts) => {
      expect(judge(lost(request, attempts), fate, true, policy), request).toBe('half-reply')
    })
  })

  test('nobody is told of a command whose client has gone', () => {
    everywhere((request, fate, policy, attempts) => {
      for (const begun of [false, true]) {
        for (const body of bodies) {
          const call = lost(request, attempts, { body })
          call.abandoned = true
          expect(judge(call, fate, begun, policy)).toBe('drop')
        }
      }
    })
  })

  test('half a request cannot have run, and cannot be sent again', () => {
    everywhere((request, fate, policy, attempts) => {
      const call = lost(request, attempts, { body: 'receiving' })
      expect(judge(call, fate, false, policy)).toBe('cut')
    })
  })

  test('a request that was not kept may have run, if all of it was sent', () => {
    everywhere((request, _fate, policy, attempts) => {
      const call = lost(request, attempts, { body: 'received' })
      expect(judge(call, 'unsent', false, policy)).toBe('cut')
      expect(judge(call, 'in-doubt', false, policy)).toBe(policy === 'close' ? 'close' : 'in-doubt')
    })
  })

  test('what only changes its link may always be sent again', () => {
    everywhere((request, fate, policy, attempts) => {
      const call = lost(request, attempts, { linkOnly: true })
      expect(judge(call, fate, false, policy)).toBe('again')
    })
  })
})

test('a transaction in one piece is in doubt as a whole', () => {
  const run = lost('EXEC', 1, { replies: 3 })
  expect(judge(run, 'in-doubt', false, 'retry-idempotent')).toBe('in-doubt')
  expect(judge(run, 'unsent', false, 'error')).toBe('again')
})

test('SHUTDOWN is for the master it was sent to, and for no other', () => {
  for (const fate of fates) expect(judge(lost('SHUTDOWN', 1), fate, false, 'error')).toBe('close')
})
