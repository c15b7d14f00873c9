import { expect, test } from 'vitest'

import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, eof, pipe, read, say } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode, parse } from '../../support/resp.ts'
import type { Reply } from '../../support/resp.ts'
import { until } from '../../support/until.ts'

const stage = conformanceStage()

const conversations: readonly Conversation[] = [
  {
    item: 39,
    title: 'SUBSCRIBE within a transaction overflows the array as the server lets it',
    steps: [
      pipe('A', ['MULTI', 'SUBSCRIBE a b', 'EXEC'], 4),
      say('B', 'PUBLISH a m', ':1\r\n'),
      read('A', 1, /message/),
      pipe('A', ['PING', 'UNSUBSCRIBE', 'PING'], 4),
      pipe('C', ['MULTI', 'UNSUBSCRIBE', 'EXEC', 'QUIT'], 0),
      eof('C'),
      pipe('D', ['MULTI', 'SSUBSCRIBE s', 'EXEC', 'QUIT'], 0),
      eof('D'),
      pipe('E', ['MULTI', 'MONITOR', 'EXEC', 'QUIT'], 0),
      eof('E'),
    ],
  },
  {
    item: 40,
    title: 'CLIENT REPLY OFF within a transaction cuts the array short, for that client alone',
    steps: [
      pipe('B', ['SET b 1', 'GET b'], 2),
      pipe('A', ['MULTI', 'SET k 1', 'CLIENT REPLY OFF', 'SET k 2', 'EXEC', 'SET k 3'], 0),
      pipe('A', ['CLIENT REPLY ON', 'GET k', 'QUIT'], 0),
      eof('A', /\$1\r\n3\r\n\+OK\r\n$/),
      pipe('B', ['GET k', 'GET b', 'MULTI', 'GET b', 'EXEC'], 5),
      pipe('C', ['MULTI', 'CLIENT REPLY SKIP', 'SET k 4', 'GET k', 'EXEC', 'GET k', 'QUIT'], 0),
      eof('C'),
    ],
  },
  {
    item: 41,
    title: 'a MULTI that is denied lets its body run alone',
    before: [
      'ACL SETUSER nomulti on >p ~* &* +@all -multi',
      'ACL SETUSER noexec on >p ~* +@all -exec',
    ],
    after: ['ACL DELUSER nomulti noexec'],
    steps: [
      say('A', 'AUTH nomulti p'),
      pipe(
        'A',
        ['MULTI', 'SET k 1', 'EXEC', 'GET k'],
        4,
        /^-NOPERM .*\r\n\+OK\r\n-ERR EXEC without MULTI/,
      ),
      say('A', 'MULTI', /^-NOPERM/),
      say('B', 'AUTH noexec p'),
      pipe('B', ['MULTI', 'SET k 2', 'EXEC', 'GET k'], 4, /-EXECABORT .*NOPERM/),
    ],
  },
  {
    item: 41,
    title: 'HELLO, AUTH and SELECT within a transaction',
    before: ['ACL SETUSER other on >p ~* &* +@all'],
    after: ['ACL DELUSER other'],
    normalise: [HELLO_ID],
    steps: [
      pipe('A', ['MULTI', 'HELLO 3', 'GET k', 'EXEC', 'GET k'], 5),
      pipe('A', ['MULTI', 'AUTH other p', 'ACL WHOAMI', 'SELECT 2', 'EXEC', 'ACL WHOAMI'], 6),
      say('A', 'SET k of-2'),
      say('B', 'GET k', '$-1\r\n'),
      pipe('A', ['MULTI', 'CLIENT SETNAME me', 'CLIENT GETNAME', 'EXEC', 'CLIENT GETNAME'], 5),
    ],
  },
]

conformance('transactions that change their connection', conversations, stage)

const CLIENTS = 50
const ROUNDS = 40

test('35. transactions of 50 clients are never interleaved', async () => {
  const { master, target } = stage()
  await master.command('FLUSHALL')
  const monitor = await RawClient.connect(master.port)
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => RawClient.connect(target.port)),
  )
  try {
    await monitor.command('MONITOR')
    const run = Buffer.concat(
      ['MULTI', 'INCR a', 'INCR b', 'EXEC'].map((each) => encode(...each.split(' '))),
    )
    const pairs = await Promise.all(clients.map((client) => transactions(client, run)))
    const unequal = pairs.flat().filter(([a, b]) => typeof a !== 'number' || a !== b)
    expect(unequal).toEqual([])
    const total = String(CLIENTS * ROUNDS)
    expect(await master.command('MGET', 'a', 'b')).toEqual([total, total])
    expect(new Set(pairs.flat().map(([a]) => a)).size).toBe(CLIENTS * ROUNDS)
    expect(await interleaved(monitor)).toEqual([])
  } finally {
    await Promise.all([monitor, ...clients].map((client) => client.destroy()))
  }
}, 60_000)

async function transactions(client: RawClient, run: Buffer): Promise<Reply[][]> {
  const pairs: Reply[][] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await client.send(run)
    const frames = await client.frames(4, 20_000)
    const last = parse(frames[3] ?? Buffer.alloc(0))
    pairs.push(Array.isArray(last) ? [...(last as readonly Reply[])] : [last])
  }
  return pairs
}

/** Reads what MONITOR saw and answers with runs of one link that were not MULTI, a, b, EXEC. */
async function interleaved(monitor: RawClient): Promise<string[]> {
  const wanted = CLIENTS * ROUNDS * 4
  const runs = new Map<string, string[]>()
  let seen = 0
  await until(
    async () => {
      const frames = await monitor.frames(monitor.waiting)
      for (const frame of frames) {
        const match = /\[\d+ ([^\]]+)\] "(MULTI|EXEC|INCR)"(?: "([ab])")?/i.exec(
          frame.toString('latin1'),
        )
        if (match === null) continue
        seen += 1
        const link = match[1] ?? ''
        runs.set(link, [...(runs.get(link) ?? []), `${match[2]?.toUpperCase()}${match[3] ?? ''}`])
      }
      return seen >= wanted
    },
    { within: 10_000, what: 'MONITOR to have shown all transactions' },
  )
  const wrong: string[] = []
  for (const [link, words] of runs) {
    for (let n = 0; n < words.length; n += 4) {
      const run = words.slice(n, n + 4).join(' ')
      if (run !== 'MULTI INCRa INCRb EXEC') wrong.push(`${link}: ${run}`)
    }
  }
  return wrong
}
