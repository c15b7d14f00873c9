import { describe, expect, test } from 'vitest'

import { conformance, conformanceStage } from '../../support/conformance.ts'
import { ask, pipe, read, say } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode, faultOf } from '../../support/resp.ts'
import { TARGET } from '../../support/target.ts'
import { until } from '../../support/until.ts'

const stage = conformanceStage()

const conversations: readonly Conversation[] = [
  {
    item: 60,
    title: 'CLIENT PAUSE WRITE and UNPAUSE',
    after: ['CLIENT UNPAUSE'],
    steps: [
      say('B', 'PING', '+PONG\r\n'),
      say('A', 'CLIENT PAUSE 20000 WRITE', '+OK\r\n'),
      ask('B', 'SET k v'),
      say('A', 'PING', '+PONG\r\n'),
      say('C', 'GET k', '$-1\r\n'),
      say('D', 'GET k', '$-1\r\n'),
      say('A', 'CLIENT UNPAUSE', '+OK\r\n'),
      read('B', 1, '+OK\r\n'),
      say('A', 'CLIENT PAUSE abc', '-ERR timeout is not an integer or out of range\r\n'),
    ],
  },
  {
    item: 63,
    title: 'administration is answered',
    before: ['SLOWLOG RESET', 'CONFIG SET slowlog-log-slower-than -1', 'LATENCY RESET'],
    after: ['CONFIG SET slowlog-log-slower-than 10000', 'CONFIG SET hash-max-listpack-entries 128'],
    steps: [
      say('A', 'CONFIG SET hash-max-listpack-entries 77', '+OK\r\n'),
      say('B', 'CONFIG GET hash-max-listpack-entries', /\$2\r\n77\r\n$/),
      say('A', 'CONFIG SET nosuch 1', /^-ERR Unknown option/),
      say('A', 'ACL WHOAMI', '$7\r\ndefault\r\n'),
      say('A', 'ACL CAT nosuch', /^-ERR Unknown category/),
      say('A', 'SLOWLOG LEN', ':0\r\n'),
      say('A', 'SLOWLOG GET', '*0\r\n'),
      say('A', 'LATENCY LATEST', '*0\r\n'),
      say('A', 'COMMAND INFO get set nosuch'),
      say('A', 'COMMAND COUNT'),
      say('A', 'COMMAND GETKEYS MSET a 1 b 2'),
      pipe('A', ['SET k v', 'MEMORY USAGE k', 'OBJECT ENCODING k', 'OBJECT REFCOUNT k'], 4),
      say('A', 'OBJECT FREQ k', /^-ERR/),
      say('A', 'DBSIZE', ':1\r\n'),
      say('A', 'SWAPDB 0 1', '+OK\r\n'),
      say('A', 'DBSIZE', ':0\r\n'),
      say('A', 'SWAPDB 0 1', '+OK\r\n'),
      say('A', 'CLUSTER INFO', '-ERR This instance has cluster support disabled\r\n'),
      say('A', 'READONLY', '-ERR This instance has cluster support disabled\r\n'),
      say('A', 'READWRITE', '-ERR This instance has cluster support disabled\r\n'),
      say('A', 'ASKING', '-ERR This instance has cluster support disabled\r\n'),
      say('A', 'FUNCTION STATS'),
      say('A', 'SCRIPT KILL', '-NOTBUSY No scripts in execution right now.\r\n'),
      say('A', 'FUNCTION KILL', '-NOTBUSY No scripts in execution right now.\r\n'),
      say('A', 'MODULE LIST', '*0\r\n'),
    ],
  },
]

conformance('administration', conversations, stage)

test('59. a script that does not end: others hear -BUSY or wait, SCRIPT KILL ends it', async () => {
  const { master, target } = stage()
  await master.command('CONFIG', 'SET', 'busy-reply-threshold', 100)
  const [script, other, killer] = await Promise.all(
    [1, 2, 3].map(() => RawClient.connect(target.port)),
  )
  if (script === undefined || other === undefined || killer === undefined)
    throw new Error('clients')
  try {
    expect(await killer.command('PING')).toBe('PONG')
    expect(await other.command('PING')).toBe('PONG')
    await script.send(encode('EVAL', 'while true do end', 0))
    const busy = async (): Promise<boolean> =>
      faultOf(await master.command('PING')).startsWith('BUSY')
    await until(busy, { within: 5_000, what: 'the server to be busy' })
    await other.send(encode('GET', 'k'))
    expect(await killer.command('SCRIPT', 'KILL')).toBe('OK')
    const [ended] = await script.frames(1)
    expect(ended?.toString()).toMatch(/^-ERR Script killed by user with SCRIPT KILL/)
    // One behind the script on its link is answered after it; on another link it hears -BUSY.
    const [answer] = await other.frames(1)
    expect(answer?.toString()).toMatch(/^(-BUSY |\$-1\r\n)/)
    expect(await other.command('SET', 'k', 'v')).toBe('OK')
  } finally {
    await Promise.all([script, other, killer].map((client) => client.destroy()))
    await master.command('CONFIG', 'SET', 'busy-reply-threshold', 5_000)
  }
}, 30_000)

// What follows is about the difference that the product makes; a server itself closes its clients.
describe.runIf(TARGET === 'proxy')('what the product keeps from its clients', () => {
  test('61. CLIENT KILL TYPE normal closes no client, and reads are answered', async () => {
    const { master, target } = stage()
    await master.command('SET', 'k', 'v')
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => RawClient.connect(target.port)),
    )
    try {
      for (let round = 0; round < 10; round += 1) {
        for (const client of clients) await client.send(encode('GET', 'k'))
        await master.command('CLIENT', 'KILL', 'TYPE', 'normal')
        const replies = await Promise.all(clients.map((client) => client.frames(1, 10_000)))
        expect(replies.flat().map(String)).toEqual(Array(20).fill('$1\r\nv\r\n'))
      }
      expect(clients.filter((client) => client.ended)).toEqual([])
    } finally {
      await Promise.all(clients.map((client) => client.destroy()))
    }
  }, 60_000)

  test('65. the server’s "max number of clients" is never taken for a reply', async () => {
    const { master, target } = stage()
    const client = await RawClient.connect(target.port)
    const waiting = await RawClient.connect(target.port)
    try {
      await master.command('SET', 'k', 'v')
      expect(await client.command('GET', 'k')).toBe('v')
      const connected = Number(await master.info('clients', 'connected_clients'))
      await master.command('CONFIG', 'SET', 'maxclients', connected)
      await waiting.send(encode('BLPOP', 'q', 0))
      for (let n = 0; n < 100; n += 1) expect(await client.command('GET', 'k')).toBe('v')
      await master.command('CONFIG', 'SET', 'maxclients', 10_000)
      await master.command('RPUSH', 'q', 'x')
      const [reply] = await waiting.frames(1, 10_000)
      expect(reply?.toString()).toBe('*2\r\n$1\r\nq\r\n$1\r\nx\r\n')
    } finally {
      await master.command('CONFIG', 'SET', 'maxclients', 10_000)
      await Promise.all([client, waiting].map((each) => each.destroy()))
    }
  }, 30_000)
})
