import { describe, expect, test } from 'vitest'
import type { LinkState } from '../../../src/dispatcher.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call, plainState } from '../support/call.ts'
import { master, type Answer } from '../support/scripted-server.ts'
import { seen, stage } from './link-kit.ts'

watchLeaks()

const identity = { name: 'u', auth: [Buffer.from('u'), Buffer.from('secret')] }
const full: LinkState = { identity, resp: 3, db: 4 }

/** A master that gives other replies to some commands. */
function but(replies: Readonly<Record<string, string>>): Answer {
  return (request) => replies[request[0] ?? ''] ?? master(request)
}

test('a link becomes its user, says its name, asks for the role, chooses db and version', async () => {
  const on = await stage((request) => (request[0] === 'SELECT' ? '+OK\r\n' : master(request)))
  const link = on.link('lease', full, true)
  await expect(link.ready).resolves.toEqual({
    role: 'master',
    runId: 'a'.repeat(40),
    version: '7.0.15',
    clientId: 77,
    wantsAuth: false,
  })
  expect(on.server.connection().requests.map((words) => words.join(' '))).toEqual([
    'AUTH u secret',
    'CLIENT SETNAME test:lease',
    'ROLE',
    'INFO server',
    'PING',
    'CLIENT ID',
    'SELECT 4',
    'HELLO 3',
  ])
})

describe('a link is refused', () => {
  test.each<[string, Readonly<Record<string, string>>, string, Partial<LinkState>]>([
    ['wrong password', { AUTH: '-WRONGPASS invalid\r\n' }, 'HANDSHAKE_FAILED', { identity }],
    ['a replica', { ROLE: '*2\r\n$5\r\nslave\r\n$1\r\nx\r\n' }, 'NOT_MASTER', {}],
    ['a sentinel', { ROLE: '*2\r\n$8\r\nsentinel\r\n*0\r\n' }, 'NOT_MASTER', {}],
    ['full', { CLIENT: '-ERR max number of clients reached\r\n' }, 'LINK_REFUSED', {}],
    ['protected', { CLIENT: '-DENIED Redis is running in protected mode\r\n' }, 'LINK_REFUSED', {}],
    ['loading', { ROLE: '-LOADING Redis is loading\r\n' }, 'LINK_REFUSED', {}],
    ['no such db', { SELECT: '-ERR DB index is out of range\r\n' }, 'HANDSHAKE_FAILED', { db: 9 }],
    ['no RESP3', { HELLO: '-ERR unknown command HELLO\r\n' }, 'HANDSHAKE_FAILED', { resp: 3 }],
    ['no redis', { CLIENT: 'HTTP/1.1 400 Bad Request\r\n' }, 'PROTOCOL', {}],
    ['chatter', { CLIENT: '+OK\r\n+OK\r\n+OK\r\n+OK\r\n' }, 'PROTOCOL', {}],
  ])('%s', async (_what, replies, code, state) => {
    const on = await stage(but(replies))
    const call = new Call('INCR k')
    const link = on.link('lane', { ...plainState, ...state })
    link.send(call)
    await expect(link.ready).rejects.toMatchObject({ code })
    expect(link.closed).toBe(true)
    expect(on.notes.lost.filter(([lost]) => lost === call)).toEqual([[call, code, 'unsent', false]])
    await seen(() => on.server.connection().closed)
    expect(on.server.connection().commands.filter((text) => text !== 'SELECT 9')).toEqual([])
  })

  test('that does not answer, after the deadline', async () => {
    const on = await stage(() => undefined)
    const link = on.link()
    await on.server.accept()
    on.clock.advance(1_000)
    expect(link.closed).toBe(false)
    on.clock.advance(1)
    await expect(link.ready).rejects.toMatchObject({ code: 'LINK_TIMEOUT' })
  })

  test('on which nobody listens', async () => {
    const on = await stage()
    await on.server.close()
    const link = on.link()
    await expect(link.ready).rejects.toMatchObject({ code: 'LINK_LOST' })
  })
})

describe('a link is not refused', () => {
  test.each<[string, Readonly<Record<string, string>>, boolean]>([
    [
      'nobody may ask for the role before AUTH',
      { ROLE: '-NOAUTH Authentication required.\r\n' },
      true,
    ],
    [
      'the user may not ask for the role',
      { ROLE: '-NOPERM this user has no permissions\r\n' },
      false,
    ],
    ['a script holds the server up', { ROLE: '-BUSY Redis is busy\r\n' }, false],
    ['it may not say its name', { CLIENT: '-NOPERM no\r\n' }, false],
  ])('because %s', async (_why, replies, wantsAuth) => {
    const on = await stage(but(replies))
    await expect(on.link().ready).resolves.toMatchObject({ wantsAuth })
  })
})

test('the handshake is read at every byte', async () => {
  const on = await stage(() => undefined)
  const link = on.link('lane', { ...plainState, resp: 3 })
  const peer = await on.server.accept()
  await seen(() => peer.requests.length === 2)
  for (const byte of '+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n') peer.send(byte)
  await seen(() => peer.requests.length === 3)
  for (const byte of '%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n') peer.send(byte)
  await expect(link.ready).resolves.toMatchObject({ role: 'master' })
})
