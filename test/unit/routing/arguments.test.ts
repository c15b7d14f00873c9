import { describe, expect, test } from 'vitest'
import {
  blocks,
  blockingTimeout,
  replayClass,
  withTimeout,
} from '../../../src/routing/arguments.ts'
import { knownCommands } from '../../../src/routing/classes.ts'
import { Router } from '../../../src/routing/router.ts'
import type { ReplayClass, Traits } from '../../../src/routing/traits.ts'
import { look } from './look.ts'

const router = new Router()
const nowMs = 1_700_000_000_000

/** A request written with spaces; `\0` stands for a NUL byte, `''` for an empty argument. */
function request(line: string): { traits: Traits; args: Uint8Array[] } {
  const words = line.split(' ').map((word) => (word === "''" ? '' : word.replaceAll('\\0', '\0')))
  const traits = look(router, words[0] ?? '', words[1])
  return { traits, args: words.map((word) => Buffer.from(word, 'latin1')) }
}

function texts(args: readonly Uint8Array[]): string {
  return args.map((arg) => Buffer.from(arg).toString('latin1')).join(' ')
}

const replays: readonly (readonly [line: string, replay: ReplayClass])[] = [
  ['SET k v', 'same-state'],
  ['set k v keepttl', 'same-state'],
  ['SET k v EXAT 9', 'same-state'],
  ['SET k v PXAT 9', 'same-state'],
  ['SET k v EX 9', 'time-relative'],
  ['SET k v px 9', 'time-relative'],
  ['SET k v NX', 'never'],
  ['SET k v XX', 'never'],
  ['SET k v GET', 'never'],
  ['SET k v EX 9 NX', 'never'],
  ['SET k v EX NX', 'time-relative'], // a syntax error: the server runs nothing
  ['SET k v NX\\0x', 'never'],
  ['SET k v IFEQ x', 'never'],
  ['SET NX v', 'same-state'],
  ['GETEX k', 'read'],
  ['GETEX k PERSIST', 'same-state'],
  ['GETEX k EX 9', 'time-relative'],
  ['GETEX k PXAT 9', 'other-reply'],
  ['GETEX k NEW', 'never'],
  ['GETEX k NEW 9', 'never'],
  ['GETEX k EX 9 NEW', 'never'],
  ['EXPIRE k 9', 'time-relative'],
  ['EXPIRE k 9 XX', 'time-relative'],
  ['EXPIRE k 9 NX', 'other-reply'],
  ['EXPIRE k 9 lt', 'other-reply'],
  ['EXPIRE k 9 XX LT', 'other-reply'],
  ['EXPIRE k 9 GT', 'never'],
  ['EXPIRE k 9 NEW', 'never'],
  ['EXPIRE k 0', 'other-reply'],
  ['PEXPIRE k -1', 'other-reply'],
  ['PEXPIRE k x', 'never'],
  ['EXPIREAT k 1700000001', 'same-state'],
  ['EXPIREAT k 1700000001 XX', 'same-state'],
  ['EXPIREAT k 1700000001 GT', 'other-reply'],
  ['EXPIREAT k 1700000000', 'other-reply'],
  ['PEXPIREAT k 1700000000001', 'same-state'],
  ['PEXPIREAT k 1700000000000', 'other-reply'],
  ['HEXPIRE h 9 FIELDS 1 NX', 'time-relative'],
  ['HEXPIRE h 9 NX FIELDS 1 f', 'other-reply'],
  ['HPEXPIREAT h 1700000000001 FIELDS 1 f', 'same-state'],
  ['LREM l 0 x', 'other-reply'],
  ['LREM l 1 x', 'never'],
  ['LREM l -1 x', 'never'],
  ['LREM l 00 x', 'never'],
  ['LTRIM l 0 9', 'same-state'],
  ['LTRIM l 0 -1', 'same-state'],
  ['LTRIM l -9 -1', 'same-state'],
  ['LTRIM l 0 -2', 'never'],
  ['LTRIM l 1 -1', 'never'],
  ['LTRIM l -9 9', 'never'],
  ['LTRIM l 0', 'never'],
  ['ZADD z 1 m', 'other-reply'],
  ['ZADD z XX GT CH 1 m', 'other-reply'],
  ['ZADD z INCR 1 m', 'never'],
  ['ZADD z CH incr 1 m', 'never'],
  ['ZADD z 1 INCR', 'other-reply'],
  ['XTRIM s MAXLEN 5', 'other-reply'],
  ['XTRIM s MINID ~ 5', 'other-reply'],
  ['XTRIM s MAXLEN ~ 5 LIMIT 9', 'never'],
  ['XGROUP SETID s g 1-1', 'same-state'],
  ['XGROUP SETID s g $', 'never'],
  ['XGROUP CREATE s g 1-1', 'never'],
  ['XGROUP CREATECONSUMER s g c', 'other-reply'],
  ['XGROUP DESTROY s g', 'other-reply'],
  ['XGROUP DELCONSUMER s g c', 'never'],
  ['COPY a b REPLACE', 'same-state'],
  ['COPY a b DB 1 REPLACE', 'same-state'],
  ['COPY a b DB REPLACE', 'never'],
  ['COPY a b', 'never'],
  ['RESTORE k 0 x REPLACE', 'same-state'],
  ['RESTORE k 9 x REPLACE ABSTTL', 'same-state'],
  ['RESTORE k 9 x FREQ 1 REPLACE', 'time-relative'],
  ['RESTORE k 0 x', 'never'],
  ['RESTORE k 0 x IDLETIME REPLACE', 'never'],
  ['RESTORE-ASKING k 0 x REPLACE', 'same-state'],
  ['FUNCTION LOAD REPLACE code', 'same-state'],
  ['FUNCTION LOAD REPLACE', 'never'],
  ['FUNCTION LOAD code', 'never'],
  ['FUNCTION RESTORE x', 'never'],
  ['BITOP AND d a b', 'same-state'],
  ['BITOP AND a a b', 'never'],
  ['BITOP NOT a', 'never'],
  ['PFMERGE d a', 'same-state'],
  ['PFMERGE d a d', 'never'],
  ['SUNIONSTORE d a b', 'same-state'],
  ['SDIFFSTORE d a d', 'never'],
  ['SINTERSTORE D d', 'same-state'],
  ['ZUNIONSTORE d 2 a b WEIGHTS 1 2', 'same-state'],
  ['ZUNIONSTORE d 2 a d', 'never'],
  ['ZINTERSTORE d 1 a d', 'same-state'],
  ['ZDIFFSTORE d 3 a b', 'never'],
  ['ZDIFFSTORE d x a b', 'never'],
  ['ZRANGESTORE d s 0 -1', 'same-state'],
  ['ZRANGESTORE d d 0 -1', 'never'],
  ['GEOSEARCHSTORE d s FROMMEMBER d BYRADIUS 1 m', 'same-state'],
  ['GEOSEARCHSTORE d d FROMMEMBER m BYRADIUS 1 m', 'never'],
  ['SORT l', 'read'],
  ['SORT l LIMIT 0 5 DESC ALPHA', 'read'],
  ['SORT l BY w_* GET # GET d_*', 'read'],
  ['SORT l BY STORE', 'read'],
  ['SORT l STORE d', 'same-state'],
  ['SORT l store\\0 d', 'same-state'],
  ['SORT l BY nosort GET # STORE d', 'same-state'],
  ['SORT l STORE l', 'never'],
  ['SORT l STORE d STORE l', 'never'],
  ['SORT l GET d_* STORE d_1', 'never'],
  ['SORT l NEW', 'never'],
  ['SORT l STORE', 'never'],
  ['GEORADIUS g 1 1 9 km WITHDIST COUNT 5 ANY', 'read'],
  ['GEORADIUS g 1 1 9 km STORE d', 'same-state'],
  ['GEORADIUS g 1 1 9 km STORE g', 'never'],
  ['GEORADIUSBYMEMBER g STORE 9 km', 'read'],
  ['GEORADIUSBYMEMBER g m 9 km STOREDIST d ASC', 'same-state'],
  ['XREAD COUNT 1 STREAMS s 0', 'read'],
  ['XREAD BLOCK 9 STREAMS s 0', 'blocking'],
  ['XREADGROUP GROUP g c BLOCK 9 STREAMS s >', 'blocking'],
  ['XREADGROUP GROUP g c BLOCK 9 STREAMS s 0', 'never'],
  ['XREADGROUP GROUP g c STREAMS s >', 'never'],
  ['XREADGROUP GROUP g c NEW BLOCK 9 STREAMS s >', 'never'],
  // By the name alone.
  ['GET k', 'read'],
  ['MSET a 1', 'same-state'],
  ['HSET h a 1', 'other-reply'],
  ['DEL a', 'other-reply'],
  ['SETEX k 9 v', 'time-relative'],
  ['INCR k', 'never'],
  ['XADD s * a 1', 'never'],
  ['BLPOP l 0', 'blocking'],
  ['EVAL x 0', 'never'],
  ['NOSUCH', 'never'],
]

describe('replayClass', () => {
  test.each(replays)('%s: %s', (line, replay) => {
    const { traits, args } = request(line)
    expect(replayClass(traits, args, nowMs)).toBe(replay)
  })

  test('has at least one row for every command whose arguments decide', () => {
    const tested = new Set(replays.map(([line]) => request(line).traits.name))
    const alike = new Set(['hpexpire', 'hexpireat'])
    for (const { traits } of knownCommands.values()) {
      if (traits.replayByArgs && !alike.has(traits.name)) expect(tested).toContain(traits.name)
    }
  })

  test('survives requests that are cut short', () => {
    for (const [line] of replays) {
      const { traits, args } = request(line)
      for (let n = 1; n < args.length; n++) replayClass(traits, args.slice(0, n), nowMs)
    }
  })
})

describe('blocks', () => {
  test.each([
    ['XREAD STREAMS s 0', false],
    ['XREAD BLOCK 0 STREAMS s $', true],
    ['xread count 1 block 0 streams s $', true],
    ['XREAD BLOCK\\0x 0 STREAMS s $', true],
    ['XREAD STREAMS BLOCK 0-0', false],
    ['XREAD COUNT 1 STREAMS BLOCK s 0 0', false],
    ['XREAD COUNT BLOCK STREAMS s 0', false],
    ['XREAD NEW BLOCK BLOCK 0 STREAMS s 0', true],
    ['XREAD NEW 1 STREAMS s 0', false],
    ['XREADGROUP GROUP g c STREAMS s >', false],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s >', true],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s >\\0x', true],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s 0', false],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s t > 0', false],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s t > >', true],
    ['XREADGROUP GROUP BLOCK 5 STREAMS s >', false],
    ['XREADGROUP GROUP g BLOCK NOACK STREAMS s >', false],
    ['XREADGROUP GROUP g c CLAIM 5 BLOCK 0 STREAMS s >', true],
    ['BLPOP l 0', true],
    ['WAIT 1 0', true],
    ['GET k', false],
    ['SUBSCRIBE c', false],
  ])('%s: %s', (line, expected) => {
    const { traits, args } = request(line)
    expect(blocks(traits, args)).toBe(expected)
  })
})

describe('blockingTimeout', () => {
  test.each([
    ['BLPOP a b 1.5', { index: 3, unit: 's', value: 1.5 }],
    ['BRPOP a 0', { index: 2, unit: 's', value: 0 }],
    ['BZPOPMIN a .5', { index: 2, unit: 's', value: 0.5 }],
    ['BZPOPMAX a 1e-2', { index: 2, unit: 's', value: 0.01 }],
    ['BLMOVE a b LEFT LEFT 7', { index: 5, unit: 's', value: 7 }],
    ['BRPOPLPUSH a b 7', { index: 3, unit: 's', value: 7 }],
    ['BLMPOP 3 1 a LEFT', { index: 1, unit: 's', value: 3 }],
    ['BZMPOP 3 1 a MIN COUNT 9', { index: 1, unit: 's', value: 3 }],
    ['XREAD COUNT 1 BLOCK 250 STREAMS s $', { index: 4, unit: 'ms', value: 250 }],
    ['XREAD BLOCK 1 BLOCK 2 STREAMS s $', { index: 4, unit: 'ms', value: 2 }],
    ['XREADGROUP GROUP g c BLOCK 0 STREAMS s >', { index: 5, unit: 'ms', value: 0 }],
    ['WAIT 1 500', { index: 2, unit: 'ms', value: 500 }],
    ['WAITAOF 1 1 500', { index: 3, unit: 'ms', value: 500 }],
    ['XREAD STREAMS s $', null],
    ['XREAD BLOCK', null],
    ['XREAD BLOCK 1.5 STREAMS s $', null],
    ['BLPOP a x', null],
    ['BLPOP a -1', null],
    ['BLPOP a inf', null],
    ["BLPOP a ''", null],
    ['BLPOP a 1e999', null],
    ['GET 5', null],
  ])('%s', (line, expected) => {
    const { traits, args } = request(line)
    expect(blockingTimeout(traits, args)).toEqual(expected)
  })
})

describe('withTimeout', () => {
  test.each([
    ['BLPOP a b 5', 1_234, 'BLPOP a b 1.234'],
    ['BLPOP a b 5', 1_234.2, 'BLPOP a b 1.235'],
    ['BLPOP a b 0', 1_234, 'BLPOP a b 0'],
    ['BLPOP a b 5', 0.1, 'BLPOP a b 0.002'],
    ['BLPOP a b 5', -7, 'BLPOP a b 0.002'],
    ['BLMPOP 5 1 a LEFT', 3_000, 'BLMPOP 3 1 a LEFT'],
    ['XREAD BLOCK 5000 STREAMS s $', 1_234.5, 'XREAD BLOCK 1235 STREAMS s $'],
    ['XREAD BLOCK 5000 STREAMS s $', 0, 'XREAD BLOCK 1 STREAMS s $'],
    ['XREAD BLOCK 0 STREAMS s $', 5, 'XREAD BLOCK 0 STREAMS s $'],
    ['XREAD STREAMS s $', 5, 'XREAD STREAMS s $'],
    ['BLPOP a x', 5, 'BLPOP a x'],
  ])('%s with %d ms left: %s', (line, remainingMs, expected) => {
    const { traits, args } = request(line)
    const before = texts(args)
    expect(texts(withTimeout(traits, args, remainingMs))).toBe(expected)
    expect(texts(args)).toBe(before)
  })
})
