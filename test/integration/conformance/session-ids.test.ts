import { expect, test } from 'vitest'

import { conformance, conformanceStage } from '../../support/conformance.ts'
import { ask, blocked, eof, HELLO_ID, read, say } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode, faultOf } from '../../support/resp.ts'

const stage = conformanceStage()

const NIL = '*-1\r\n'

const inTransactions: readonly Conversation[] = [
  {
    item: 30,
    title: 'CLIENT KILL in a transaction closes its client at EXEC, not before',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $v', '+QUEUED\r\n'),
      say('A', 'SET k 1', '+QUEUED\r\n'),
      say('V', 'GET k', '$-1\r\n'),
      say('A', 'EXEC', '*2\r\n:1\r\n+OK\r\n'),
      eof('V', ''),
      say('A', 'CLIENT KILL ID $v', ':0\r\n'),
    ],
  },
  {
    item: 30,
    title: 'CLIENT KILL in a transaction that is discarded, or aborted, closes nobody',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $v', '+QUEUED\r\n'),
      say('A', 'DISCARD', '+OK\r\n'),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $v', '+QUEUED\r\n'),
      say('A', 'NOSUCH', /^-ERR unknown/),
      say('A', 'EXEC', /^-EXECABORT/),
      say('V', 'PING', '+PONG\r\n'),
    ],
  },
  {
    item: 30,
    title: 'CLIENT KILL in a transaction closes one that waits on a link of its own',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      ask('V', 'BLPOP q 0'),
      blocked(1),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $v TYPE normal', '+QUEUED\r\n'),
      blocked(1),
      say('A', 'EXEC', '*1\r\n:1\r\n'),
      eof('V', ''),
      blocked(0),
    ],
  },
  {
    item: 30,
    title: 'CLIENT KILL of oneself in a transaction: the reply ends there',
    steps: [
      say('A', 'CLIENT ID', undefined, { save: 'a' }),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $a', '+QUEUED\r\n'),
      say('A', 'CLIENT KILL ID $a SKIPME no', '+QUEUED\r\n'),
      say('A', 'SET k 1', '+QUEUED\r\n'),
      ask('A', 'EXEC'),
      eof('A', '*3\r\n:0\r\n:1\r\n'),
      say('B', 'GET k', '$1\r\n1\r\n'),
    ],
  },
  {
    item: 22,
    title: 'CLIENT UNBLOCK in a transaction frees at EXEC, before what is queued behind it',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      ask('V', 'BLPOP q 0'),
      blocked(1),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT UNBLOCK $v', '+QUEUED\r\n'),
      say('A', 'RPUSH q x', '+QUEUED\r\n'),
      blocked(1),
      say('A', 'EXEC', '*2\r\n:1\r\n:1\r\n'),
      read('V', 1, NIL),
      say('V', 'LRANGE q 0 -1', '*1\r\n$1\r\nx\r\n'),
    ],
  },
  {
    item: 22,
    title:
      'CLIENT UNBLOCK of a client that begins to wait after it was queued, and of one that does not',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('W', 'CLIENT ID', undefined, { save: 'w' }),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT UNBLOCK $w', '+QUEUED\r\n'),
      say('A', 'CLIENT UNBLOCK $v ERROR', '+QUEUED\r\n'),
      say('A', 'CLIENT UNBLOCK $v WRONG', '+QUEUED\r\n'),
      ask('V', 'BLPOP q 0'),
      blocked(1),
      say('A', 'EXEC', /^\*3\r\n:0\r\n:1\r\n-ERR CLIENT UNBLOCK reason/),
      read('V', 1, /^-UNBLOCKED client unblocked via CLIENT UNBLOCK/),
      say('A', 'PING', '+PONG\r\n'),
    ],
  },
  {
    item: 51,
    title: 'CLIENT TRACKING … REDIRECT in a transaction names a client by its id, both ways',
    steps: [
      say('S', 'CLIENT ID', undefined, { save: 'sub' }),
      say('S', 'SUBSCRIBE __redis__:invalidate'),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT GETREDIR', '+QUEUED\r\n'),
      say('A', 'CLIENT TRACKING ON REDIRECT $sub', '+QUEUED\r\n'),
      say('A', 'CLIENT TRACKING ON REDIRECT 987654321', '+QUEUED\r\n'),
      say('A', 'CLIENT GETREDIR', '+QUEUED\r\n'),
      say('A', 'CLIENT TRACKINGINFO', '+QUEUED\r\n'),
      say('A', 'GET k', '+QUEUED\r\n'),
      say('A', 'EXEC', /^\*6\r\n:-1\r\n\+OK\r\n-ERR The client ID you want/, { ids: true }),
      say('A', 'GET l', '$-1\r\n'),
      say('A', 'CLIENT GETREDIR', /^:\d+\r\n$/, { ids: true }),
      say('B', 'SET l 2'),
      read('S', 1, /invalidate\r\n\*1\r\n\$1\r\nl\r\n$/),
      say('A', 'CLIENT TRACKING OFF', '+OK\r\n'),
      say('A', 'CLIENT GETREDIR', ':-1\r\n'),
    ],
  },
]

/** What is the connection's own, or passes, is left out of the lines; all else is compared. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [/([$=])\d+\r\n(?=txt:|id=)/g, '$1<length>\r\n'],
  [/\bid=\d+/g, 'id=<id>'],
  [/addr=127\.0\.0\.1:\d+/g, 'addr=<address>'],
  [/ (fd|idle|age|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem|events|cmd)=\S*/g, ''],
  [/ (qbuf|qbuf-free)=\d+/g, ''],
]

const seen: readonly Conversation[] = [
  {
    item: 61,
    title: 'CLIENT KILL with several filters',
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('A', 'CLIENT ID', undefined, { save: 'a' }),
      say('A', 'CLIENT KILL ID $v TYPE pubsub', ':0\r\n'),
      say('A', 'CLIENT KILL ID $v TYPE nosuch', /^-ERR Unknown client type/),
      say('A', 'CLIENT KILL ID $v USER nosuch', /^-ERR No such user/),
      say('A', 'CLIENT KILL ID $v SKIPME maybe', '-ERR syntax error\r\n'),
      say('A', 'CLIENT KILL ID abc', /^-ERR client-id should be greater than 0/),
      say('A', 'CLIENT KILL ID $a', ':0\r\n'),
      say('A', 'CLIENT KILL 127.0.0.1:1', '-ERR No such client\r\n'),
      say('V', 'PING', '+PONG\r\n'),
      say('A', 'CLIENT KILL ID $v TYPE normal USER default SKIPME yes', ':1\r\n'),
      eof('V', ''),
      ask('A', 'CLIENT KILL ID $a SKIPME no'),
      eof('A', ':1\r\n'),
    ],
  },
  {
    item: 61,
    title: 'CLIENT KILL and CLIENT UNBLOCK by one who may not',
    before: ['ACL SETUSER poor on >p ~* &* +@all -client|kill -client|unblock'],
    after: ['ACL DELUSER poor'],
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('A', 'AUTH poor p', '+OK\r\n'),
      say('A', 'CLIENT KILL ID $v', /^-NOPERM/),
      say('A', 'CLIENT UNBLOCK $v', /^-NOPERM/),
      say('V', 'PING', '+PONG\r\n'),
    ],
  },
  {
    item: 12,
    title: 'CLIENT LIST ID shows clients on shared links and on their own',
    normalise: [HELLO_ID, ...LINES],
    steps: [
      say('V', 'CLIENT ID', undefined, { save: 'v' }),
      say('V', 'CLIENT SETNAME vera', '+OK\r\n'),
      say('V', 'SELECT 3', '+OK\r\n'),
      say('W', 'CLIENT ID', undefined, { save: 'w' }),
      say('W', 'CLIENT SETNAME walter$&', '+OK\r\n'),
      say('W', 'SUBSCRIBE a b'),
      read('W', 1),
      say('A', 'HELLO 3'),
      say('A', 'CLIENT LIST ID $v $w 987654321', /name=vera .*name=walter\$& /s),
      say('A', 'CLIENT LIST ID $w $v', /name=walter\$& .*name=vera /s),
      say('A', 'CLIENT LIST ID abc', /^-ERR Invalid client ID/),
      say('A', 'CLIENT LIST NOSUCH', '-ERR syntax error\r\n'),
      say('A', 'CLIENT LIST TYPE replica', /^=\d+\r\ntxt:id=/),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'CLIENT LIST ID $v', '+QUEUED\r\n'),
      say('A', 'EXEC', /name=vera /),
    ],
  },
]

conformance('ids of clients in transactions', inTransactions, stage)
conformance('ids of clients that users see', seen, stage)

test('12. CLIENT LIST shows every client by the id and address by which it can be killed', async () => {
  const { target } = stage()
  const [lone, shared, looker] = await Promise.all(
    ['lone', 'shared', 'looker'].map((name) => named(target.port, name)),
  )
  if (lone === undefined || shared === undefined || looker === undefined) throw new Error('clients')
  try {
    const id = await lone.command('CLIENT', 'ID')
    await lone.send(encode('BLPOP', 'q', 0))
    const lines = textOf(await looker.command('CLIENT', 'LIST')).split('\n')
    const line = (name: string): string =>
      lines.find((each) => each.includes(`name=${name} `)) ?? ''
    expect(line('lone')).toMatch(new RegExp(`^id=${JSON.stringify(id)} addr=127\\.0\\.0\\.1:\\d+ `))
    expect(line('looker')).toMatch(/^id=\d+ addr=127\.0\.0\.1:\d+ /)
    const address = / addr=(\S+)/.exec(line('shared'))?.[1] ?? ''
    expect(await looker.command('CLIENT', 'KILL', 'ADDR', address)).toBe(1)
    expect((await shared.rest()).toString()).toBe('')
    expect(
      await looker.command('CLIENT', 'KILL', / addr=(\S+)/.exec(line('lone'))?.[1] ?? ''),
    ).toBe('OK')
    expect((await lone.rest()).toString()).toBe('')
    expect(faultOf(await looker.command('CLIENT', 'KILL', address))).toBe('ERR No such client')
  } finally {
    await Promise.all([lone, shared, looker].map((each) => each.destroy()))
  }
})

function textOf(reply: unknown): string {
  if (typeof reply !== 'string') throw new Error(`no text: ${JSON.stringify(reply)}`)
  return reply
}

async function named(port: number, name: string): Promise<RawClient> {
  const client = await RawClient.connect(port)
  expect(await client.command('CLIENT', 'SETNAME', name)).toBe('OK')
  return client
}
