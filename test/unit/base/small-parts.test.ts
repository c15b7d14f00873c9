import { describe, expect, test } from 'vitest'
import {
  addressKey,
  isUnusable,
  normalizeHost,
  ownAddresses,
  parseAddress,
  parsePort,
  sameAddress,
} from '../../../src/base/address.ts'
import { Backoff } from '../../../src/base/backoff.ts'
import { errorReply, errorTable, ProxyError, type ErrorCode } from '../../../src/base/errors.ts'
import { assertMove } from '../../../src/base/transitions.ts'

describe('backoff', () => {
  const limits = { minMs: 100, maxMs: 1_000 }

  test('doubles to its limit, and begins again after a success', () => {
    const backoff = new Backoff(limits, () => 1)
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1_000, 1_000])
    backoff.reset()
    expect(backoff.next()).toBe(100)
  })

  test('draws from the upper half, so that many do not come at once, and never at once', () => {
    const low = new Backoff(limits, () => 0)
    expect([low.next(), low.next(), low.next()]).toEqual([50, 100, 200])
  })
})

describe('addresses', () => {
  test.each([
    ['10.0.0.1:6379', '10.0.0.1:6379'],
    ['[FD00::1]:6379', '[fd00::1]:6379'],
    ['Redis.Example.:6379', 'redis.example:6379'],
    ['[::ffff:10.0.0.1]:1', '10.0.0.1:1'],
  ])('%s is %s', (text, key) => {
    const address = parseAddress(text)
    expect(address === null ? null : addressKey(address)).toBe(key)
    expect(parseAddress(key)).toEqual(address)
  })

  test.each(['', ':6379', 'host', 'host:', 'host:0', 'host:65536', 'host:-1', '::1:6379', 'h:6a'])(
    '%s is none',
    (text) => {
      expect(parseAddress(text)).toBeNull()
    },
  )

  test('ports are plain digits', () => {
    expect(['0', '65535', '65536', '1e3', ' 1', '', '000001'].map(parsePort)).toEqual([
      0,
      65_535,
      null,
      null,
      null,
      null,
      null,
    ])
  })

  test.each(['0.0.0.0', '::', '0:0::0', ''])('nobody is at %s', (host) => {
    expect(isUnusable({ host, port: 1 })).toBe(true)
  })

  test('a listener on every address is itself at each of them', () => {
    const hosts = ownAddresses({ host: '0.0.0.0', port: 7 }).map(({ host }) => host)
    expect(hosts).toEqual(expect.arrayContaining(['127.0.0.1', '::1', 'localhost']))
    expect(ownAddresses({ host: '10.1.1.1', port: 7 })).toEqual([{ host: '10.1.1.1', port: 7 }])
  })

  test('nothing is the same as something only if both are nothing', () => {
    const a = { host: 'a', port: 1 }
    expect([sameAddress(null, null), sameAddress(a, null), sameAddress(a, { ...a })]).toEqual([
      true,
      false,
      true,
    ])
    expect(normalizeHost(' [::1] ')).toBe('::1')
  })
})

describe('errors', () => {
  test('every one that clients can see is one RESP line with a code that they know', () => {
    for (const code of Object.keys(errorTable) as ErrorCode[]) {
      const text = Buffer.from(errorReply(code)).toString()
      expect(text).toMatch(/^-(ERR|MASTERDOWN|TRYAGAIN|INDOUBT) [^\r\n]+\r\n$/)
    }
  })

  test('say what they are about, and keep their cause', () => {
    const cause = new Error('below')
    const error = new ProxyError('LINK_LOST', 'gone', { cause })
    expect([error.code, error.message, error.cause]).toEqual(['LINK_LOST', 'gone', cause])
    expect(new ProxyError('MASTERDOWN').message).toContain('not executed')
  })
})

test('a move that the table does not have is a mistake', () => {
  const table = { on: ['off'], off: ['on', 'off'] } as const
  expect(() => {
    assertMove<'on' | 'off'>(table, 'off', 'off')
  }).not.toThrow()
  expect(() => {
    assertMove<'on' | 'off'>(table, 'on', 'on')
  }).toThrow('illegal move from on to on')
})
