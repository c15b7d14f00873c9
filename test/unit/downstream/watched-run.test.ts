import { describe, expect, test } from 'vitest'
import { encodeRequest } from '../../../src/protocol/request.ts'
import { watchLeaks } from '../../support/leaks.ts'
import type { FakeLink } from '../support/fake-generation.ts'
import { kit, seen, wire, type Client, type Kit } from './session-kit.ts'

watchLeaks()

const run = ['MULTI', 'SET k 1', 'EXEC']

/** A client that watches a key, and its link. */
async function watching(): Promise<{ on: Kit; client: Client; lease: FakeLink }> {
  const on = await kit()
  const client = await on.client()
  client.send('WATCH k')
  const lease = await on.lease()
  lease.answer('+OK\r\n')
  await client.hears('+OK\r\n')
  return { on, client, lease }
}

/** All of it in one read of the server's. */
function sendTogether(client: Client, requests: readonly string[]): void {
  client.socket.write(Buffer.concat(requests.map((each) => encodeRequest(each.split(' ')))))
}

/** The server answers a run that is the oldest command, reply by reply. */
function answerRun(lease: FakeLink, replies: readonly string[]): void {
  const [head] = lease.inFlight
  lease.inFlight.shift()
  lease.written--
  replies.forEach((reply, i) => {
    head?.onReply(Buffer.from(reply), 0, reply.length, i === replies.length - 1)
  })
}

describe('MULTI … EXEC in one read, behind WATCH', () => {
  test('goes as one piece on the link that watches, which is given back', async () => {
    const { on, client, lease } = await watching()
    sendTogether(client, [...run, 'GET k'])
    await on.lease()
    expect(lease.inFlight.map(({ traits, replies }) => [traits.name, replies])).toEqual([
      ['multi…exec', 3],
    ])
    answerRun(lease, ['+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n'])
    await client.hears('+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n')
    const lane = await on.lane(client)
    expect([wire(lane), lease.released, client.session.reasons]).toEqual([['GET k'], 'clean', []])
    lane.answer('$1\r\n1\r\n')
    await client.hears('$1\r\n1\r\n')
  })

  test('is over when the watched key had changed', async () => {
    const { on, client, lease } = await watching()
    sendTogether(client, run)
    await on.lease()
    answerRun(lease, ['+OK\r\n', '+QUEUED\r\n', '*-1\r\n'])
    await client.hears('+OK\r\n+QUEUED\r\n*-1\r\n')
    expect([client.session.state.watch, lease.released]).toEqual(['none', 'clean'])
  })

  test('is given to nobody else where EXEC was refused', async () => {
    const { on, client, lease } = await watching()
    sendTogether(client, run)
    await on.lease()
    answerRun(lease, ['+OK\r\n', '+QUEUED\r\n', "-ERR unknown command 'EXEC'\r\n"])
    await seen(() => client.heard.endsWith("'EXEC'\r\n"))
    expect(lease.released).toBe('dirty')
  })

  test.each([
    ['MULTI is refused', ['MULTI', 'SET k 1', 'EXEC'], 'multi…exec'],
    ['MULTI has an argument', ['MULTI x', 'SET k 1', 'EXEC'], 'multi'],
  ])('%s: the key is still watched', async (_, requests, name) => {
    const { on, client, lease } = await watching()
    sendTogether(client, requests)
    await on.lease()
    expect(lease.inFlight[0]?.traits.name).toBe(name)
    const replies = ['-NOPERM no\r\n', '+OK\r\n', '-ERR EXEC without MULTI\r\n']
    if (name === 'multi') lease.answer('-NOPERM no\r\n')
    else answerRun(lease, replies)
    await seen(() => client.heard.startsWith('-NOPERM no\r\n'))
    expect([client.session.state.watch, lease.released]).toEqual(['set', null])
  })

  test('ended by DISCARD it goes step by step', async () => {
    const { on, client, lease } = await watching()
    sendTogether(client, ['MULTI', 'SET k 1', 'DISCARD'])
    await on.lease()
    expect(wire(lease)).toEqual(['MULTI'])
  })
})

describe('when the link that watches is lost', () => {
  test.each([
    [2, '*-1\r\n'],
    [3, '_\r\n'],
  ])('before the transaction has left: nothing runs, RESP%i', async (resp, nil) => {
    const { on, client, lease } = await watching()
    if (resp === 3) client.session.apply({ what: 'protocol', resp: 3 })
    on.gate.hold('failover')
    sendTogether(client, ['MULTI', 'SET k 1', 'SET k 2', 'EXEC'])
    await seen(() => on.gate.queue.count === 1)
    on.lose()
    await on.recover()
    await client.hears(`+OK\r\n+QUEUED\r\n+QUEUED\r\n${nil}`)
    expect([lease.closed, client.session.reasons, on.current.leases.map(wire)]).toEqual([
      true,
      [],
      [[]],
    ])
  })

  test('while the transaction is on the wire: it is in doubt, and over', async () => {
    const { on, client } = await watching()
    sendTogether(client, run)
    await on.lease()
    on.lose()
    await seen(() => client.heard.split('-INDOUBT').length === 4)
    expect([client.session.state.watch, client.session.reasons]).toEqual(['none', []])
  })

  test('since its server was no master any more: nothing has run', async () => {
    const { on, client, lease } = await watching()
    sendTogether(client, run)
    await on.lease()
    lease.answer('-EXECABORT Transaction discarded because of: READONLY You cannot write.\r\n')
    await on.recover()
    await client.hears('+OK\r\n+QUEUED\r\n*-1\r\n')
    expect(on.current.leases.map(wire)).toEqual([[]])
  })
})

test('a gate that opens to the same master again: what was watched still is', async () => {
  const { on, client, lease } = await watching()
  on.gate.hold('operator')
  sendTogether(client, run)
  await seen(() => on.gate.queue.count === 1)
  on.gate.admit(on.current)
  await on.lease()
  expect(lease.inFlight.map(({ traits }) => traits.name)).toEqual(['multi…exec'])
  answerRun(lease, ['+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n'])
  await client.hears('+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n')
})
