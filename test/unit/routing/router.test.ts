import { describe, expect, test } from 'vitest'
import { isSafeInTransactionRun } from '../../../src/routing/arguments.ts'
import { knownCommands } from '../../../src/routing/classes.ts'
import type { LearnedCommand } from '../../../src/routing/learned.ts'
import { Router } from '../../../src/routing/router.ts'
import { look } from './look.ts'

function learned(name: string, flags: string, subcommands: LearnedCommand[] = []): LearnedCommand {
  return { name, arity: -2, flags: flags === '' ? [] : flags.split(' '), subcommands }
}

describe('lookup', () => {
  const router = new Router()

  test.each([...knownCommands.keys()])('finds %s in any case', (name) => {
    const [command = '', subcommand] = name.split('|')
    const traits = knownCommands.get(name)?.traits
    expect(look(router, command, subcommand)).toBe(traits)
    expect(look(router, command.toUpperCase(), subcommand?.toUpperCase())).toBe(traits)
  })

  test.each([
    ['CLIENT', undefined, 'client'],
    ['CLIENT', 'NOSUCH', 'client'],
    ['CLIENT', '', 'client'],
    ['GET', 'KILL', 'get'],
    ['COMMAND', undefined, 'command'],
    ['COMMAND', 'DOCS', 'command|docs'],
    ['DEBUG', 'SLEEP', 'debug'],
    ['', undefined, '?'],
    ['GE', undefined, '?'],
    ['GETT', undefined, '?'],
    ['CLIENT|KILL', undefined, '?'],
    ['KILL', undefined, '?'],
    ['G`T', undefined, '?'],
    ['\u0047\u0105T', undefined, '?'],
    ['HOST:', undefined, 'host:'],
    ['HOST\x1a', undefined, '?'],
    ['RESTORE\x0dASKING', undefined, '?'],
    ['x'.repeat(100_000), undefined, '?'],
  ])('%s %s is %s', (name, subcommand, expected) => {
    expect(look(router, name, subcommand).name).toBe(expected)
  })

  test('an unknown name goes to a lane, is never sent twice and is no part of a run', () => {
    const traits = look(router, 'NOSUCH')
    expect(traits).toMatchObject({ name: '?', route: 'lane', replay: 'never', write: true })
    expect(isSafeInTransactionRun(traits)).toBe(false)
  })

  test.each([
    ['MULTI\0x', undefined],
    ['\0', undefined],
    ['CLIENT', 'REPLY\0off'],
  ])('a name with a NUL byte gets a link of its own: %j %j', (name, subcommand) => {
    const traits = look(router, name, subcommand)
    expect(traits).toMatchObject({ name: '?', route: 'lease', reason: 'unknown', replay: 'never' })
    expect(isSafeInTransactionRun(traits)).toBe(false)
  })
})

describe('learn', () => {
  test.each([
    ['readonly fast', { route: 'lane', replay: 'read', write: false }],
    ['write denyoom', { route: 'lane', replay: 'never', write: true }],
    ['', { route: 'lane', replay: 'never', write: true }],
    ['admin noscript', { route: 'control', replay: 'never' }],
    ['write blocking', { route: 'lease', reason: 'blocking', replay: 'never', write: true }],
    ['no_multi noscript', { route: 'lease', reason: 'blocking', replay: 'never' }],
    ['pubsub noscript no_multi', { route: 'lease', reason: 'raw', replay: 'never' }],
    ['pubsub fast', { route: 'lane', replay: 'never', write: true }],
    ['module readonly', { route: 'lease', reason: 'module', replay: 'never', write: false }],
    ['module admin blocking', { route: 'lease', reason: 'module', replay: 'never', write: true }],
  ])('a new command with the flags %j', (flags, expected) => {
    const router = new Router()
    router.learn([learned('NewOne', flags)], '9.9.9')
    const traits = look(router, 'NEWONE')
    expect(traits).toMatchObject({ name: 'newone', verb: null, ...expected })
    expect(isSafeInTransactionRun(traits)).toBe(false)
  })

  test('subcommands of a new container, by either form of their names', () => {
    const router = new Router()
    const subcommands = [learned('commandlog|get', 'admin'), learned('LEN', 'readonly')]
    router.learn([learned('commandlog', '', subcommands)], '8.1.0')
    expect(look(router, 'commandlog', 'GET')).toMatchObject({ route: 'control' })
    expect(look(router, 'commandlog', 'len')).toMatchObject({ name: 'commandlog|len' })
    expect(look(router, 'commandlog', 'x')).toMatchObject({ name: 'commandlog', route: 'lane' })
  })

  test('a new subcommand of CLIENT may leave state behind: not on a lane', () => {
    const router = new Router()
    const subcommands = [learned('client|import-source', 'noscript loading stale')]
    router.learn([learned('client', '', subcommands)], '8.1.0')
    expect(look(router, 'CLIENT', 'IMPORT-SOURCE')).toMatchObject({ route: 'lease', reason: 'raw' })
    expect(look(router, 'CLIENT', 'ID').verb).toBe('client-id')
  })

  test('never overrides what we know', () => {
    const router = new Router()
    const subcommands = [learned('client|reply', 'readonly')]
    router.learn([learned('MULTI', 'readonly'), learned('client', '', subcommands)], '7.0.15')
    expect(look(router, 'multi')).toBe(knownCommands.get('multi')?.traits)
    expect(look(router, 'client', 'reply')).toBe(knownCommands.get('client|reply')?.traits)
  })

  test('forgets what an earlier master said', () => {
    const router = new Router()
    router.learn([learned('newone', 'readonly')], '7.4.0')
    router.learn([], '7.2.5')
    expect(look(router, 'newone').name).toBe('?')
    expect(look(router, 'flushall').route).toBe('lane')
  })

  test.each([
    ['6.2.16', 'lane'],
    ['7.2.6', 'lane'],
    ['7.4.0', 'lease'],
    ['8.0.1', 'lease'],
    ['10.0.0', 'lease'],
    ['unstable', 'lane'],
  ])('FLUSHALL on %s goes by %s', (version, route) => {
    const router = new Router()
    router.learn([], version)
    for (const name of ['flushall', 'flushdb', 'sflush']) {
      const reason = route === 'lease' ? 'blocking' : null
      expect(look(router, name)).toMatchObject({ name, route, reason, replay: 'never' })
    }
  })

  test('a renamed command keeps its traits, its subcommands too, and after learning', () => {
    const renames = new Map([
      ['begin', 'multi'],
      ['cc', 'config'],
    ])
    const router = new Router(renames)
    expect(look(router, 'BEGIN').verb).toBe('multi')
    router.learn([], '7.0.15')
    expect(look(router, 'BEGIN').verb).toBe('multi')
    expect(look(router, 'CC', 'SET').name).toBe('config|set')
    expect(look(router, 'MULTI').name).toBe('?')
  })

  test('names that were changed for one another', () => {
    const router = new Router(new Map(Object.entries({ get: 'blpop', blpop: 'get' })))
    expect([look(router, 'GET').name, look(router, 'BLPOP').name]).toEqual(['blpop', 'get'])
  })
})
