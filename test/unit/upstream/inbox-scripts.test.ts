import { expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import type { Link } from '../../../src/upstream/link.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call } from '../support/call.ts'
import { turns } from '../support/virtual-clock.ts'
import { connected, seen, stage } from './link-kit.ts'
import type { Stage } from './link-kit.ts'

watchLeaks()

/** What a replica says to a script, or a script by itself: nobody can tell by the words. */
const readonly =
  "-READONLY You can't write against a read only replica. script: 1f71, on @user:1.\r\n"

/** A script and a write behind it, whose two replies come in one chunk; a third one behind it. */
async function doubted(): Promise<{ on: Stage; link: Link; calls: readonly Call[] }> {
  const on = await stage()
  const { link } = await connected(on)
  on.notes.takes = (reply) => reply.startsWith('-READONLY')
  const calls = [new Call('EVAL s 0'), new Call('SET a 1'), new Call('GET a')]
  for (const call of calls) link.send(call)
  link.receive(Buffer.from(`${readonly}-READONLY x\r\n`))
  link.receive(Buffer.from('$1\r\n0\r\n'))
  await turns(3)
  return { on, link, calls }
}

test('nothing is decided, and nothing behind it read, before the server has said what it is', async () => {
  const { on, calls } = await doubted()
  expect(calls.map((call) => call.told)).toEqual(['', '', ''])
  expect(on.notes.takenBack).toEqual([])
})

test('the server is no master: the script is taken back first, then what was behind it', async () => {
  const { on, link, calls } = await doubted()
  on.refute(true)
  await turns(3)
  const [script, write, read] = calls
  expect(on.notes.takenBack).toEqual([script, write])
  expect(link.inbox.suspect).toBe(true)
  expect(read?.told).toBe('$1\r\n0\r\n')
  expect(link.inFlight.size).toBe(0)
})

test('the server is a master: the words are the script’s own', async () => {
  const { on, link, calls } = await doubted()
  on.notes.takes = () => false
  on.refute(false)
  await turns(3)
  expect(on.notes.takenBack).toEqual([])
  expect(calls.map((call) => call.told)).toEqual([readonly, '-READONLY x\r\n', '$1\r\n0\r\n'])
  expect(link.inbox.suspect).toBe(false)
})

test('the master has moved meanwhile: taken back as well, and what came behind it is not forgotten', async () => {
  const { on, link, calls } = await doubted()
  link.destroy(new ProxyError('FENCED'))
  on.refute(false)
  await turns(3)
  const [script, write, read] = calls
  expect(on.notes.takenBack).toEqual([script, write])
  expect(read?.told).toBe('$1\r\n0\r\n')
  expect(on.notes.lost).toEqual([])
})

test('the link dies meanwhile: what the server has said is passed on, once', async () => {
  const { on, link, calls } = await doubted()
  on.notes.takes = () => false
  link.destroy(new ProxyError('LINK_LOST'))
  on.refute(true)
  await turns(3)
  expect(calls.map((call) => call.told)).toEqual([readonly, '-READONLY x\r\n', '$1\r\n0\r\n'])
  expect([on.notes.takenBack, on.notes.lost]).toEqual([[], []])
})

test('the link dies meanwhile with two scripts in doubt and a command unanswered', async () => {
  const on = await stage()
  const { link } = await connected(on)
  const calls = [new Call('EVAL s 0'), new Call('EVAL t 0'), new Call('INCR n')]
  for (const call of calls) link.send(call)
  await seen(() => link.written === 3)
  link.receive(Buffer.from(readonly + readonly))
  link.destroy(new ProxyError('FENCED'))
  expect(on.notes.takenBack).toEqual(calls.slice(0, 2))
  expect(on.notes.lost).toEqual([[calls[2], 'FENCED', 'in-doubt', false]])
})

test('a slow reader behind it leaves no timer when the link dies', async () => {
  const { on, link, calls } = await doubted()
  for (const call of calls) call.slow = 1
  link.destroy(new ProxyError('LINK_LOST'))
  expect(on.clock.waiting).toBe(0)
})

test('what comes by the socket goes on where the link stood still', async () => {
  const on = await stage()
  const { link, peer } = await connected(on)
  const calls = ['EVAL s 0', 'SET a 1', 'GET a', 'GET b', 'GET c'].map((each) => new Call(each))
  for (const call of calls) link.send(call)
  await seen(() => peer.commands.length === 5)
  peer.send(`${readonly}+second\r\n$5\r\nth`) // in one read, the last reply in part
  await turns(10)
  on.refute(false)
  await seen(() => calls[1]?.told !== '')
  peer.send('ird\r\n$6\r\nfourth\r\n')
  await seen(() => calls[3]?.told !== '')
  peer.send('$5\r\nfifth\r\n')
  await seen(() => calls[4]?.told !== '')
  expect(calls.map((call) => call.told)).toEqual([
    readonly,
    '+second\r\n',
    '$5\r\nthird\r\n',
    '$6\r\nfourth\r\n',
    '$5\r\nfifth\r\n',
  ])
})

test('of one whose client has left, nobody learns what its server is', async () => {
  const { on, link, calls } = await doubted()
  for (const call of calls) call.abandoned = true
  link.destroy(new ProxyError('FENCED'))
  expect(on.notes.takenBack).not.toContain(calls[0])
})

test('what is sent while the link is being closed stays unsent', async () => {
  const on = await stage()
  const { link } = await connected(on)
  const [script, read, late] = [new Call('EVAL s 0'), new Call('GET a'), new Call('SET late 1')]
  for (const [n, call] of [script, read].entries()) {
    link.send(call)
    await seen(() => link.written === n + 1)
  }
  read.onReply = () => link.send(late) // alone, it would leave at once
  link.receive(Buffer.from(`${readonly}$1\r\n0\r\n`))
  link.destroy(new ProxyError('LINK_LOST'))
  expect(on.notes.lost).toEqual([[late, 'LINK_LOST', 'unsent', false]])
})
