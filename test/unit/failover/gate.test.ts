import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { Call } from '../support/call.ts'
import { turns } from '../support/virtual-clock.ts'
import { gateKit, windowMs, type GateKit } from './gate-kit.ts'

const readonly = "-READONLY You can't write against a read only replica.\r\n"

async function opened(
  options: Parameters<typeof gateKit>[0] = {},
): Promise<GateKit & { first: ReturnType<GateKit['next']> }> {
  const kit = gateKit(options)
  const first = kit.next()
  kit.gate.admit(first)
  await turns()
  expect(kit.gate.state.name).toBe('open')
  return { ...kit, first }
}

/** The old master is left and the next one admitted, as the follower does it. */
async function switchOver(kit: GateKit, old: ReturnType<GateKit['next']>) {
  kit.gate.hold('switch')
  old.destroy(new ProxyError('LINK_LOST', 'the master moved'))
  const next = kit.next()
  kit.gate.admit(next)
  await turns(3)
  return next
}

test.each(['REPLICAOF 127.0.0.1 1', 'FAILOVER', 'SHUTDOWN'])(
  '%s is for one master: it does not wait for the next',
  async (request) => {
    const kit = await opened()
    const unsent = new Call('REPLICAOF NO ONE')
    kit.gate.dispatch(unsent)
    kit.gate.hold('failover')
    const held = new Call(request)
    kit.gate.dispatch(held)
    expect(held.told).toBe('MASTERDOWN unsent')
    const next = await switchOver(kit, kit.first)
    expect(unsent.told).toBe('UPLOAD_CUT unsent')
    expect(next.links.flatMap((link) => link.inFlight)).toEqual([])
  },
)

describe('moves', () => {
  test('a gate starts to hold, and opens by way of draining', async () => {
    const { heard, gate, clock, next } = gateKit()
    expect(gate.state).toEqual({ name: 'holding', since: clock.now(), reason: 'starting' })
    clock.advance(20)
    gate.admit(next())
    await turns()
    expect(heard.moves).toEqual(['holding draining 20', 'draining open 0'])
  })

  test('to admit while open is a mistake of the programmer', async () => {
    const { gate, next } = await opened()
    expect(() => {
      gate.admit(next())
    }).toThrow('admit() in state open')
  })

  test('only the first reason of a hold is taken', async () => {
    const { gate } = await opened()
    gate.hold('failover')
    gate.hold('switch')
    expect(gate.state).toMatchObject({ name: 'holding', reason: 'failover' })
  })

  test('after the hold window the gate fails fast, and a hold does not change that', async () => {
    const { gate, clock } = await opened()
    gate.hold('link-lost')
    clock.advance(windowMs - 1)
    expect(gate.state.name).toBe('holding')
    clock.advance(1)
    gate.hold('failover')
    expect(gate.state).toMatchObject({ name: 'failfast', reason: 'link-lost' })
  })
})

describe('what waits', () => {
  test('commands of a hold reach the next master once and in order', async () => {
    const kit = await opened()
    kit.gate.hold('failover')
    const calls = [1, 2, 3].map((n) => new Call(`SET k ${n}`))
    for (const call of calls) expect(kit.gate.dispatch(call)).toBe(false)
    expect(kit.first.inFlight()).toBe(0)
    const next = await switchOver(kit, kit.first)
    expect(next.lane(0).inFlight).toEqual(calls)
    next.lane(0).flush()
    while (next.lane(0).answer('+OK\r\n')) continue
    expect(calls.map((call) => call.told)).toEqual(['+OK\r\n', '+OK\r\n', '+OK\r\n'])
  })

  test('held bytes are the command’s own: the reader’s buffer may be used again', async () => {
    const kit = await opened()
    kit.gate.hold('failover')
    const call = new Call('SET k v')
    const wire = call.wire
    const buffer = new Uint8Array([0x78, ...call.bytes, 0x79])
    call.bytes = buffer
    call.start = 1
    call.end = buffer.length - 1
    kit.gate.dispatch(call)
    buffer.fill(0)
    expect(call.wire).toBe(wire)
  })

  test('a command is refused when its window is over, newer ones wait for theirs', async () => {
    const { gate, clock, heard } = await opened()
    gate.hold('link-lost')
    clock.advance(600)
    const early = new Call('SET k 1')
    gate.dispatch(early)
    clock.advance(399)
    expect(early.told).toBe('')
    clock.advance(1) // the gate fails fast now, but what was held goes on waiting
    expect([gate.state.name, early.told]).toEqual(['failfast', ''])
    const late = new Call('SET k 2')
    gate.dispatch(late)
    expect(late.told).toBe('MASTERDOWN unsent')
    clock.advance(599)
    expect(early.told).toBe('')
    clock.advance(1)
    expect(early.told).toBe('MASTERDOWN unsent')
    expect(heard.refused).toEqual(['hold-window', 'hold-window'])
    expect([gate.queue.count, gate.queue.bytes]).toEqual([0, 0])
  })

  test('the newest is refused when the queue is full, by count and by bytes', async () => {
    for (const limits of [{ maxCommands: 2 }, { maxBytes: 2 * new Call('SET k 1').end }]) {
      const { gate, heard, first } = await opened(limits)
      gate.hold('failover')
      const calls = [1, 2, 3].map((n) => new Call(`SET k ${n}`))
      for (const call of calls) gate.dispatch(call)
      expect(calls.map((call) => call.told)).toEqual(['', '', 'TRYAGAIN unsent'])
      expect(heard.refused).toEqual(['hold-commands'])
      gate.admit(first)
      await turns(2)
      expect(first.inFlight()).toBe(2)
      expect([gate.queue.count, gate.queue.bytes]).toEqual([0, 0])
    }
  })

  test('what a client left behind is dropped, never run', async () => {
    const kit = await opened()
    kit.gate.hold('failover')
    const calls = [1, 2, 3].map((n) => new Call(`SET k ${n}`))
    for (const call of calls) kit.gate.dispatch(call)
    calls.slice(0, 2).forEach((call) => (call.abandoned = true))
    const next = await switchOver(kit, kit.first)
    expect(next.lane(0).inFlight).toEqual(calls.slice(2))
    expect([kit.gate.queue.count, kit.gate.queue.bytes]).toEqual([0, 0])
  })

  test('draining is paced: a batch a turn', async () => {
    const { gate, first } = await opened({ drainBatch: 2 })
    gate.hold('failover')
    const calls = [1, 2, 3, 4, 5].map((n) => new Call(`SET k ${n}`))
    for (const call of calls) gate.dispatch(call)
    gate.admit(first)
    expect(first.inFlight()).toBe(2)
    const late = new Call('SET k 6')
    gate.dispatch(late)
    await turns()
    expect(first.inFlight()).toBe(4)
    await turns(3)
    expect(first.lane(0).inFlight).toEqual([...calls, late])
    expect(gate.state.name).toBe('open')
  })

  test('clients that paused are woken behind what was held, and may send at once', async () => {
    const { gate, first } = await opened({ drainBatch: 1 })
    gate.hold('failover')
    const held = new Call('SET k 1')
    const next = new Call('SET k 2')
    gate.dispatch(held)
    gate.onDrain(held, () => gate.dispatch(next))
    await turns(2)
    expect(next.attempts).toBe(0)
    gate.admit(first)
    await turns(3)
    expect(first.lane(0).inFlight).toEqual([held, next])
  })

  test('clients that paused are woken when the window is over', async () => {
    const { gate, clock } = await opened()
    gate.hold('failover')
    let woken = 0
    gate.onDrain(new Call('GET k'), () => woken++)
    await turns()
    expect(woken).toBe(0)
    clock.advance(windowMs)
    await turns()
    expect(woken).toBe(1)
    gate.onDrain(new Call('GET k'), () => woken++)
    await turns()
    expect(woken).toBe(2)
  })
})

describe('what was on the wire', () => {
  test('a cut: reads and what was never sent go again, before what came later', async () => {
    const kit = await opened()
    const lane = kit.first.lane(0)
    const [read, write, unsent, later] = ['GET a', 'SET a 1', 'SET a 2', 'SET a 3'].map(
      (text) => new Call(text),
    ) as [Call, Call, Call, Call]
    kit.gate.dispatch(read)
    kit.gate.dispatch(write)
    lane.flush()
    kit.gate.dispatch(unsent)
    lane.cut()
    expect(kit.gate.state).toMatchObject({ name: 'holding', reason: 'link-lost' })
    expect(write.told).toBe('INDOUBT in-doubt')
    kit.gate.dispatch(later)
    const next = await switchOver(kit, kit.first)
    expect(next.lane(0).inFlight).toEqual([read, unsent, later])
    expect(kit.heard).toMatchObject({
      symptoms: ['link-lost 1'],
      replays: ['read', 'unsent'],
      inDoubt: 1,
    })
  })

  test('a refusal never reaches the client, and reads behind it keep their place', async () => {
    const kit = await opened()
    const lane = kit.first.lane(0)
    const [write, read, pub] = ['SET a 1', 'GET a', 'PUBLISH c m'].map(
      (text) => new Call(text),
    ) as [Call, Call, Call]
    for (const call of [write, read, pub]) kit.gate.dispatch(call)
    lane.flush()
    lane.answer(readonly)
    lane.answer('$-1\r\n')
    lane.answer(':0\r\n')
    expect([write.told, read.told, pub.told]).toEqual(['', '', ':0\r\n'])
    const next = await switchOver(kit, kit.first)
    expect(next.lane(0).inFlight).toEqual([write, read])
    expect([write.attempts, read.attempts]).toEqual([1, 1])
    expect(kit.heard.symptoms).toEqual(['readonly 1'])
  })

  test('a link of a master that is no longer current holds nothing up', async () => {
    const kit = await opened()
    const old = kit.first
    const next = await switchOver(kit, old)
    kit.gate.onLinkLost(old, new ProxyError('LINK_LOST', 'late'))
    expect(kit.gate.state).toEqual({ name: 'open', generation: next })
  })

  test('a refused identity is told as it is, and does not hold the others', async () => {
    const { gate, first } = await opened()
    const call = new Call('GET k')
    gate.dispatch(call)
    first.lane(0).cut(new ProxyError('HANDSHAKE_FAILED', 'auth: WRONGPASS'))
    expect(call.told).toBe('HANDSHAKE_FAILED unsent')
    expect(gate.state.name).toBe('open')
  })

  test('what is lost while those that waited are sent goes before the rest of them', async () => {
    const kit = await opened({ drainBatch: 1 })
    const calls = ['GET 1', 'GET 2', 'GET 3'].map((text) => new Call(text))
    for (const call of calls) kit.gate.dispatch(call)
    kit.first.lane(0).cut()
    const next = kit.next()
    kit.gate.admit(next)
    next.lane(0).cut() // the first had just been handed over
    const third = await switchOver(kit, next)
    await turns(4)
    expect(third.lane(0).inFlight).toEqual(calls)
  })

  test('a command that waits a second time has only the rest of its window', async () => {
    const { gate, clock, first, next } = await opened()
    gate.hold('failover')
    const call = new Call('GET k')
    gate.dispatch(call)
    clock.advance(900)
    gate.admit(first)
    await turns(2)
    gate.hold('failover') // held again, with a timer for the end of this hold
    clock.advance(50)
    first.lane(0).cut()
    clock.advance(50)
    expect(call.told).toBe('MASTERDOWN unsent')
    gate.admit(next())
    await turns()
  })
})

describe('a script that was told READONLY', () => {
  test.each([
    ['EVAL s 0', `${readonly.trimEnd()} script: 1f71, on @user_script:1.\r\n`, 'whole', true],
    ['FCALL f 0', readonly, 'whole', true],
    ['EVAL s 0', '-LOADING Redis is loading the dataset in memory\r\n', 'whole', false],
    ['EVAL s 0', readonly, 'received', false],
    ['SET k v', readonly, 'whole', false],
  ] as const)('%s %s', async (request, reply, body, expected) => {
    const { gate, first } = await opened()
    const bytes = Buffer.from(reply)
    expect(gate.doubts(new Call(request, { body }), bytes, 0, bytes.length)).toBe(expected)
    expect(gate.state).toEqual({ name: 'open', generation: first })
  })

  test('once the server is known to be no master, the gate holds and the script goes to the next', async () => {
    const kit = await opened()
    const script = new Call('EVAL s 0')
    kit.gate.takesBackScript(script)
    expect(kit.gate.state).toMatchObject({ name: 'holding', reason: 'readonly' })
    expect(kit.heard).toMatchObject({ symptoms: ['readonly 1'], replays: ['refused'] })
    const next = await switchOver(kit, kit.first)
    expect(next.lane(0).inFlight).toEqual([script])
  })
})
