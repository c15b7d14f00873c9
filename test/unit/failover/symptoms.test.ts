import { describe, expect, test } from 'vitest'
import { provesNotExecuted, symptomOf } from '../../../src/failover/symptoms.ts'
import { Call } from '../support/call.ts'

/** In the middle of other bytes, as replies are found in a chunk. */
function symptom(line: string): string | null {
  const before = '+OK\r\n'
  const bytes = Buffer.from(`${before}${line}\r\n-READONLY x\r\n`, 'latin1')
  return symptomOf(bytes, before.length, before.length + line.length + 2)
}

const because = '-EXECABORT Transaction discarded because of: '

describe('replies that a master which goes on does not give', () => {
  test.each([
    ["-READONLY You can't write against a read only replica.", 'readonly'],
    ['-LOADING Redis is loading the dataset in memory', 'loading'],
    [
      "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      'masterdown',
    ],
    [`${because}READONLY You can't write against a read only replica.`, 'readonly'],
    [`${because}LOADING Redis is loading the dataset in memory`, 'loading'],
    [`${because}MASTERDOWN Link with MASTER is down`, 'masterdown'],
    [
      '-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
      'unblocked',
    ],
  ])('%s', (line, expected) => {
    expect(symptom(line)).toBe(expected)
  })
})

describe('ordinary answers', () => {
  test.each([
    '-ERR unknown command',
    '-ERR READONLY',
    '-WRONGTYPE Operation against a key holding the wrong kind of value',
    '-NOSCRIPT No matching script.',
    '-OOM command not allowed',
    '-BUSY Redis is busy running a script',
    '-NOREPLICAS Not enough good replicas to write.',
    '-EXECABORT Transaction discarded because of previous errors.',
    `${because}NOPERM this user has no permissions`,
    '-UNBLOCKED client unblocked via CLIENT UNBLOCK',
    '-READONLYISH no such thing',
    '-READONLY',
    '-MISCONF Errors writing to the AOF file',
    '-M',
    '-R',
    '-',
  ])('%s', (line) => {
    expect(symptom(line)).toBeNull()
  })
})

describe('a refusal proves that nothing was done', () => {
  test.each(['SET k v', 'GET k', 'BLPOP k 0', 'EXEC', 'MULTI', 'SUBSCRIBE c', 'CONFIG SET a b'])(
    '%s',
    (request) => {
      expect(provesNotExecuted(new Call(request))).toBe(true)
    },
  )

  test.each(['EVAL s 0', 'EVALSHA s 0', 'EVAL_RO s 0', 'FCALL f 0', 'FCALL_RO f 0'])(
    'but not of %s, which may say so itself after a write',
    (request) => {
      expect(provesNotExecuted(new Call(request))).toBe(false)
    },
  )

  test('but a request that was not kept cannot be sent again', () => {
    expect(provesNotExecuted(new Call('SET k v', { body: 'received' }))).toBe(false)
    expect(provesNotExecuted(new Call('SET k v', { body: 'receiving' }))).toBe(false)
  })
})
