import { describe, expect, test } from 'vitest'
import { addressKey } from '../../../src/base/address.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import type { Generation } from '../../../src/dispatcher.ts'
import { MasterGeneration } from '../../../src/upstream/generation.ts'
import { Upstream } from '../../../src/upstream/upstream.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { Call, plainState } from '../support/call.ts'
import { master } from '../support/scripted-server.ts'
import { seen, stage, type Stage } from './link-kit.ts'

watchLeaks()

const limits = {
  linksPerLane: 4,
  lease: { max: 2, acquireTimeoutMs: 100, maxWaiting: 3, idleMs: 60_000 },
  probeIdentity: plainState.identity,
}

function upstreamOn(on: Stage, own = limits): Upstream {
  const { options, turn, memory } = on.context
  return new Upstream({ ...options, ...own }, on.notes, on.clock, turn, memory)
}

function open(on: Stage): Promise<Generation> {
  return upstreamOn(on).open({ host: '127.0.0.1', port: on.server.port })
}

const over = new ProxyError('LINK_LOST', 'the test is over')

describe('to open', () => {
  test('a master tells who it is, and no link stays behind', async () => {
    const on = await stage()
    const generation = await open(on)
    expect(generation).toMatchObject({ number: 1, runId: 'a'.repeat(40), version: '7.0.15' })
    await seen(() => on.server.accepted.every((each) => each.closed))
    generation.destroy(over)
  })

  test('a replica is refused', async () => {
    const on = await stage((request) =>
      request[0] === 'ROLE' ? '*1\r\n$5\r\nslave\r\n' : master(request),
    )
    await expect(open(on)).rejects.toMatchObject({ code: 'NOT_MASTER' })
  })

  test('a master that is still loading is refused', async () => {
    const on = await stage((request) =>
      request[0] === 'PING' ? '-LOADING Redis is loading\r\n' : master(request),
    )
    await expect(open(on)).rejects.toMatchObject({ code: 'LINK_REFUSED' })
  })

  test('generations are numbered, and have the address that everybody else writes', async () => {
    const on = await stage()
    const upstream = upstreamOn(on)
    const address = { host: '127.0.0.1', port: on.server.port }
    const generations = [await upstream.open(address), await upstream.open(address)]
    expect(generations.map(({ number }) => number)).toEqual([1, 2])
    expect(generations[0]?.address).toBe(addressKey(address))
    const options = { ...on.context.options, host: 'fd00::1' }
    const greeting = { role: 'master', runId: '', version: '', clientId: 0, wantsAuth: false }
    const six = new MasterGeneration(3, greeting, { ...on.context, options }, limits, on.notes)
    expect(six.address).toBe(addressKey({ host: 'fd00::1', port: on.server.port }))
    for (const each of [...generations, six]) each.destroy(over)
  })
})

describe('to verify', () => {
  test('the same master is enough', async () => {
    const on = await stage()
    const generation = await open(on)
    await expect(generation.verify()).resolves.toBeUndefined()
    generation.destroy(over)
  })

  test('one that is busy and tells no run_id is no other', async () => {
    const on = await stage()
    const generation = await open(on)
    on.server.answer = (request) =>
      request[0] === 'INFO' || request[0] === 'PING' ? '-BUSY Redis is busy\r\n' : master(request)
    await expect(generation.verify()).resolves.toBeUndefined()
    generation.destroy(over)
  })

  test('another server on the same address is not', async () => {
    const on = await stage()
    const generation = await open(on)
    on.server.answer = (request) =>
      request[0] === 'INFO' ? '$13\r\nrun_id:bbbbbb\r\n' : master(request)
    await expect(generation.verify()).rejects.toMatchObject({ code: 'NOT_MASTER' })
    generation.destroy(over)
  })
})

describe('scripts that a replica may have refused', () => {
  const demoted = "-READONLY You can't write against a read only replica. script: 1f71.\r\n"

  /** Three scripts that were written to a server that is a replica by now, and one behind them. */
  async function refused(): Promise<{ on: Stage; generation: Generation; calls: readonly Call[] }> {
    const on = await stage()
    const generation = await open(on)
    const before = on.server.accepted.length
    const calls = ['EVAL a 0', 'EVAL b 0', 'EVAL c 0', 'SET k v'].map((each) => new Call(each))
    for (const call of calls) generation.dispatch(call)
    const peer = await on.server.accept(before)
    await seen(() => peer.commands.length === 4)
    on.notes.takes = (reply) => reply.startsWith('-READONLY')
    on.server.answer = (request) =>
      request[0] === 'ROLE' ? '*1\r\n$5\r\nslave\r\n' : master(request)
    peer.send(demoted.repeat(4))
    return { on, generation, calls }
  }

  test('are taken back on one word of the server', async () => {
    const { on, generation, calls } = await refused()
    const before = on.server.accepted.length
    await seen(() => on.notes.takenBack.length === 4)
    expect(on.notes.takenBack).toEqual(calls)
    expect(on.server.accepted.length).toBe(before + 1)
    generation.destroy(over)
  })

  test('do not wait for an answer of their own when somebody else has heard one', async () => {
    const { on, generation, calls } = await refused()
    const { answer } = on.server
    on.server.answer = () => undefined // the link's own question stays without an answer
    const asked = on.server.accepted.length
    await seen(() => on.server.accepted.length > asked)
    on.server.answer = answer
    await expect(generation.verify()).rejects.toMatchObject({ code: 'NOT_MASTER' })
    await seen(() => on.notes.takenBack.length === 4)
    expect(on.notes.takenBack).toEqual(calls)
    generation.destroy(over)
  })
})

test('a server that was no master for a moment is asked anew about the next script', async () => {
  const on = await stage()
  const generation = await open(on)
  on.server.answer = (request) =>
    request[0] === 'ROLE' ? '*1\r\n$5\r\nslave\r\n' : master(request)
  await expect(generation.verify()).rejects.toMatchObject({ code: 'NOT_MASTER' })
  on.server.answer = master
  await generation.verify()
  const call = new Call('EVAL s 0')
  const before = on.server.accepted.length
  generation.dispatch(call)
  const peer = await on.server.accept(before)
  await seen(() => peer.commands.length === 1)
  peer.send("-READONLY You can't write\r\n")
  await seen(() => call.told !== '')
  expect(on.notes.takenBack).toEqual([])
  generation.destroy(over)
})

describe('links', () => {
  test('of one affinity are one, of others others; control has its own', async () => {
    const on = await stage()
    const generation = await open(on)
    const before = on.server.accepted.length
    for (const affinity of [0, 1, 4, 5]) generation.dispatch(new Call('GET k', { affinity }))
    generation.dispatch(new Call('SCRIPT KILL', { via: 'control' }))
    await seen(() => on.server.accepted.length === before + 3)
    await seen(() => on.server.accepted.reduce((sum, each) => sum + each.commands.length, 0) === 5)
    const links = on.server.accepted.slice(before)
    expect(links.map((each) => each.commands.length).sort()).toEqual([1, 2, 2])
    expect(generation.inFlight()).toBe(5)
    generation.destroy(over)
    await seen(() => on.server.accepted.every((each) => each.closed))
    expect(on.notes.lost.map(([, code, fate]) => [code, fate])).toEqual(
      Array.from({ length: 5 }, () => ['FENCED', 'in-doubt']),
    )
  })

  test('are chosen by those who have nothing on their way: the first, but not when commands are large', async () => {
    const on = await stage()
    const generation = await open(on)
    const before = on.server.accepted.length
    const dispatched = (request: string, affinity: number, isAlone: boolean): Call => {
      const call = new Call(request, { affinity, isAlone })
      generation.dispatch(call)
      return call
    }
    const large = dispatched('GET large', 1, true)
    const next = dispatched('GET next', 1, true)
    await seen(() => on.server.accepted[before]?.commands.length === 2)
    expect([large.affinity.link, next.affinity.link]).toEqual([0, 0])
    const peer = on.server.accepted[before]
    peer?.send(`$200000\r\n${'x'.repeat(150_000)}`)
    await seen(() => large.parts.length > 0)
    expect(dispatched('GET other', 0, true).affinity.link).toBe(1)
    expect(dispatched('GET behind', 0, false).affinity.link).toBe(0)
    peer?.send(`${'x'.repeat(50_000)}\r\n`)
    await seen(() => large.told !== '')
    const again = [2, 3].map((home) => dispatched('GET large', home, true))
    expect(again.map((call) => call.affinity.link % 2)).toEqual([0, 1])
    generation.destroy(over)
  })

  test('for what may write are others: a server that lets writes wait stops no reads', async () => {
    const on = await stage()
    const generation = await open(on)
    const links = ['GET k', 'SET k v', 'PING', 'EVAL s 0', 'EVAL_RO s 0', 'PUBLISH c m'].map(
      (request) => {
        const call = new Call(request, { isAlone: true })
        generation.dispatch(call)
        return call.affinity.link
      },
    )
    expect(links).toEqual([0, 2, 0, 2, 0, 2])
    generation.destroy(over)
  })

  test.each([
    [1, [0, 0]],
    [2, [0, 1]],
    [3, [0, 2]],
  ])('with %i a lane, reads and writes go to %j', async (linksPerLane, expected) => {
    const on = await stage()
    const generation = await upstreamOn(on, { ...limits, linksPerLane }).open({
      host: '127.0.0.1',
      port: on.server.port,
    })
    const calls = ['GET k', 'SET k v'].map((request) => new Call(request, { isAlone: true }))
    for (const call of calls) generation.dispatch(call)
    expect(calls.map((call) => call.affinity.link)).toEqual(expected)
    generation.destroy(over)
  })

  test('with a long pipeline are left to it', async () => {
    const on = await stage()
    const generation = await open(on)
    const pipeline = Array.from(
      { length: 1_100 },
      (_, n) => new Call('GET k', { isAlone: n === 0 }),
    )
    for (const call of pipeline) generation.dispatch(call)
    expect(new Set(pipeline.map((call) => call.affinity.link))).toEqual(new Set([0]))
    const other = new Call('GET k', { isAlone: true, affinity: 1 })
    generation.dispatch(other)
    expect(other.affinity.link).toBe(1)
    generation.destroy(over)
  })

  test('that wait inside the server do not hold up a switch', async () => {
    const on = await stage()
    const generation = await open(on)
    const owner = { isPush: () => false, onPush: () => undefined, onLeaseLost: () => undefined }
    for (const request of ['BLPOP k 0', 'XREAD BLOCK 0 STREAMS s $', 'WAIT 1 0']) {
      const lease = await generation.lease(plainState, 'blocking', owner, on.notes)
      lease.dispatch(new Call(request))
      expect([request, generation.inFlight()]).toEqual([request, 0])
      lease.release(false)
    }
    generation.destroy(over)
  })

  test('a lease that is given back goes to the next one, in the db of that one', async () => {
    const on = await stage()
    const generation = await open(on)
    const owner = { isPush: () => false, onPush: () => undefined, onLeaseLost: () => undefined }
    const first = await generation.lease(plainState, 'watch', owner, on.notes)
    first.release(true)
    first.release(true)
    const second = await generation.lease({ ...plainState, db: 5 }, 'watch', owner, on.notes)
    second.dispatch(new Call('WATCH k', { state: { ...plainState, db: 5 } }))
    const peer = on.server.accepted.at(-1)
    await seen(() => peer?.commands.length === 2)
    expect(peer?.commands).toEqual(['SELECT 5', 'WATCH k'])
    expect([first.serverId, second.serverId]).toEqual([77, 77])
    generation.destroy(over)
  })

  test('the door tells how many links there are', async () => {
    const on = await stage()
    const upstream = upstreamOn(on)
    expect(upstream.census()).toBeNull()
    const generation = await upstream.open({ host: '127.0.0.1', port: on.server.port })
    generation.dispatch(new Call('GET k'))
    expect(upstream.census()).toMatchObject({ lane: 1, lease: 0 })
    generation.destroy(over)
  })
})
