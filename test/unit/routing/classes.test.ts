import { describe, expect, test } from 'vitest'
import { isSafeInTransactionRun } from '../../../src/routing/arguments.ts'
import { commandInfo, flushWaits, knownCommands } from '../../../src/routing/classes.ts'
import { heavyNames } from '../../../src/routing/classes-data.ts'
import { commandTable } from '../../../src/routing/command-table.generated.ts'
import { replayRules } from '../../../src/routing/replay-rules.ts'
import type { Traits } from '../../../src/routing/traits.ts'
import { appendix } from './appendix.ts'

function namesOf(list: string): string[] {
  return list.trim().split(/\s+/)
}

function traitsOf(name: string): Traits {
  const known = knownCommands.get(name)
  if (known === undefined) throw new Error(`no traits for ${name}`)
  return known.traits
}

const admin = namesOf(
  'debug save module|load module|loadex module|unload migrate pfdebug pfselftest',
)
/** Shared like any other, but the session looks at them first: it remembers their bodies. */
const scripts = namesOf('eval eval_ro evalsha evalsha_ro script|load')
const blockingPops = namesOf('blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin')

describe('the classes', () => {
  test.each(Object.entries(appendix))('class %s: every command has traits', (_, list) => {
    for (const name of namesOf(list)) expect(traitsOf(name).name).toBe(name)
  })

  test.each([
    ['S', 'lane'],
    ['H', 'lane'],
    ['X', 'lane'],
    ['E', 'session'],
    ['T', 'session'],
    ['P', 'session'],
    ['R', 'session'],
  ])('class %s goes by %s', (letter, route) => {
    for (const name of namesOf(appendix[letter] ?? '')) {
      if (scripts.includes(name)) continue
      expect(traitsOf(name).route, name).toBe(route)
      if (route === 'session') expect(traitsOf(name).verb, name).not.toBeNull()
    }
  })

  test('scripts are taken note of, and stand in a run like what goes by lane', () => {
    for (const name of scripts) {
      const expected = name.startsWith('evalsha')
        ? { route: 'lane', verb: 'script-use', reason: null }
        : { route: 'session', verb: 'script', reason: null }
      expect(traitsOf(name), name).toMatchObject(expected)
      expect(isSafeInTransactionRun(traitsOf(name)), name).toBe(true)
    }
  })

  test('class B: a pop takes a lease, XREAD and WAIT ask the session', () => {
    for (const name of namesOf(appendix.B ?? '')) {
      const expected = blockingPops.includes(name)
        ? { route: 'lease', reason: 'blocking', replay: 'blocking', verb: null }
        : { route: 'session', reason: null, verb: name.startsWith('wait') ? 'wait' : 'xread' }
      expect(traitsOf(name)).toMatchObject(expected)
    }
  })

  test('class C: control, or one exclusive call, and never sent twice', () => {
    for (const name of namesOf(appendix.C ?? '')) {
      const expected = admin.includes(name)
        ? { route: 'lease', reason: 'admin', replay: 'never' }
        : { route: 'control', reason: null, replay: 'never' }
      expect(traitsOf(name), name).toMatchObject(expected)
    }
  })

  test('class K: a verb each; outside a cluster ASKING leaves nothing behind', () => {
    for (const name of namesOf('client|caching client|no-evict client|no-touch client|tracking')) {
      expect(traitsOf(name)).toMatchObject({ route: 'session', verb: name.replace('|', '-') })
    }
    expect(traitsOf('asking')).toMatchObject({ route: 'lane', verb: 'asking' })
    expect(traitsOf('restore-asking')).toMatchObject({ route: 'lane', verb: null, write: true })
  })

  test('class H and nothing else is heavy', () => {
    const mine = new Set(namesOf(heavyNames))
    const heavy = namesOf(`${appendix.H ?? ''} restore-asking stralgo`)
    expect([...mine].sort()).toEqual(heavy.sort())
    for (const { traits } of knownCommands.values()) {
      expect(traits.heavy, traits.name).toBe(mine.has(traits.name))
    }
  })

  test.each([
    ['shutdown', 'shutdown'],
    ['script|flush', 'script-flush'],
    ['client|kill', 'client-kill'],
    ['client|unblock', 'client-unblock'],
    ['client|list', 'client-list'],
  ])('%s goes by control with a verb', (name, verb) => {
    expect(traitsOf(name)).toMatchObject({ route: 'control', verb })
  })

  test.each(['post', 'host:'])('%s closes', (name) => {
    expect(traitsOf(name)).toMatchObject({ route: 'session', verb: 'close' })
  })

  test('a reason goes with a lease and with nothing else', () => {
    for (const { traits } of knownCommands.values()) {
      expect(traits.reason !== null, traits.name).toBe(traits.route === 'lease')
    }
  })

  test('every command whose arguments decide has a rule, and no other', () => {
    const byArgs = [...knownCommands.values()].filter(({ traits }) => traits.replayByArgs)
    expect(byArgs.map(({ traits }) => traits.name).sort()).toEqual([...replayRules.keys()].sort())
    for (const { traits } of byArgs) expect(traits.replay).toBe('never')
  })
})

describe('the table of a server', () => {
  test.each(commandTable.map(([name]) => name))('%s has traits', (name) => {
    expect(traitsOf(name).name).toBe(name)
  })

  test('is consistent: every subcommand has its container', () => {
    for (const [name] of commandTable) {
      const [container = ''] = name.split('|')
      expect(commandInfo(container)?.name).toBe(container)
    }
  })

  test('agrees with the classes on what writes and what reads', () => {
    for (const [name, , flags] of commandTable) {
      const { write, replay, replayByArgs } = traitsOf(name)
      const has = flags.split(' ')
      if (has.includes('write')) expect(write, name).toBe(true)
      if (has.includes('readonly')) {
        expect(write, name).toBe(name === 'pfcount')
        expect(replay === 'read' || replayByArgs, name).toBe(true)
      }
      if (replay === 'read') expect(has, name).not.toContain('write')
    }
  })

  test('has nothing that blocks on a lane', () => {
    for (const [name, , flags] of commandTable) {
      if (flags.split(' ').includes('blocking')) expect(traitsOf(name).route).not.toBe('lane')
    }
  })

  test('tells arity and flags', () => {
    expect(commandInfo('get')).toEqual({ name: 'get', arity: 2, flags: ['fast', 'readonly'] })
    expect(commandInfo('acl')).toEqual({ name: 'acl', arity: -2, flags: [] })
    expect(commandInfo('nothing')).toBeUndefined()
  })
})

describe('scripts count as writes unless they are read-only', () => {
  test.each(['eval', 'evalsha', 'fcall', 'publish', 'spublish', 'exec'])('%s', (name) => {
    expect(traitsOf(name)).toMatchObject({ write: true, replay: 'never' })
  })
  test.each(['eval_ro', 'evalsha_ro', 'fcall_ro'])('%s', (name) => {
    expect(traitsOf(name)).toMatchObject({ write: false, replay: 'read' })
  })
})

test('PFCOUNT may be asked again, and waits with the writes (it may write its cache anew)', () => {
  expect(traitsOf('pfcount')).toMatchObject({ write: true, replay: 'read' })
})

describe('the body of a transaction on a shared link', () => {
  test('may hold what is shared and what blocks outside only', () => {
    const lists = [appendix.S, appendix.H, blockingPops.join(' '), 'xread xreadgroup']
    for (const name of lists.flatMap((list) => namesOf(list ?? ''))) {
      expect(isSafeInTransactionRun(traitsOf(name)), name).toBe(true)
    }
    for (const traits of flushWaits) expect(isSafeInTransactionRun(traits)).toBe(true)
  })

  test('may hold nothing that changes the link, nor anything in doubt', () => {
    const lists = ['E', 'T', 'P', 'K', 'R', 'C', 'X'].map((letter) => appendix[letter])
    for (const name of lists.flatMap((list) => namesOf(list ?? ''))) {
      expect(isSafeInTransactionRun(traitsOf(name)), name).toBe(name === 'restore-asking')
    }
    for (const name of ['wait', 'waitaof', 'post', 'client', 'config']) {
      expect(isSafeInTransactionRun(traitsOf(name)), name).toBe(false)
    }
  })
})
