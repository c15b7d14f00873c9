import { describe, expect, test } from 'vitest'
import { deferred, type Deferred } from '../../../src/base/deferred.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import { Call } from '../support/call.ts'
import { windowMs } from './gate-kit.ts'
import { turns } from '../support/virtual-clock.ts'
import { address, first, following, graceMs, second, Stage } from './follower-kit.ts'

describe('the first master', () => {
  test('is opened as soon as the view names it', async () => {
    const stage = new Stage()
    await stage.settle()
    expect([stage.attempts, stage.state]).toEqual([0, 'holding'])
    stage.follower.follow(first)
    await stage.settle()
    expect([stage.events, stage.state]).toEqual([['switch 0 1'], 'open'])
    expect(stage.follower.current).toBe(stage.generation(1))
  })

  test('that cannot be reached is tried again with growing pauses, and for ever', async () => {
    const stage = new Stage()
    const times: number[] = []
    stage.answer = () => {
      times.push(stage.clock.now())
      return Promise.reject(new ProxyError('LINK_LOST', 'refused'))
    }
    stage.follower.follow(first)
    await stage.clock.pass(3_000)
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    expect(pauses.slice(0, 6)).toEqual([25, 50, 100, 200, 400, 500])
    expect(pauses.at(-1)).toBe(500)
    expect(stage.state).toBe('failfast')
    stage.answer = () => Promise.resolve()
    await stage.clock.pass(500)
    expect(stage.state).toBe('open')
  })

  test('an unknown master changes nothing', async () => {
    const stage = await following()
    stage.follower.follow(null)
    await stage.settle()
    expect([stage.state, stage.events]).toEqual(['open', []])
  })

  test('that is named once more is not opened again', async () => {
    const stage = await following()
    stage.follower.follow({ ...first })
    await stage.settle()
    expect([stage.state, stage.attempts]).toEqual(['open', 1])
  })
})

describe('a switch', () => {
  test('fences the old master before the new one receives anything', async () => {
    const stage = await following()
    stage.follower.follow(second)
    expect(stage.state).toBe('holding')
    const call = new Call('SET k v')
    stage.gate.dispatch(call)
    await stage.settle()
    expect(stage.generation(1).destroyed?.code).toBe('FENCED')
    expect(stage.generation(2).lane(0).inFlight).toEqual([call])
    expect(stage.events).toEqual(['switch 1 2'])
  })

  test('waits a moment for what is on the wire, and cuts what does not come', async () => {
    const stage = await following()
    const [quick, stuck] = [new Call('SET k 1'), new Call('SET k 2', { affinity: 1 })]
    stage.gate.dispatch(quick)
    stage.gate.dispatch(stuck)
    const old = stage.generation(1)
    for (const link of old.links) link.flush()
    stage.follower.follow(second)
    await stage.clock.pass(graceMs - 10)
    old.lane(0).answer('+OK\r\n')
    expect([old.destroyed, quick.told, stuck.told]).toEqual([null, '+OK\r\n', ''])
    await stage.clock.pass(20)
    expect(old.destroyed?.code).toBe('FENCED')
    expect([stuck.told, stage.state]).toEqual(['INDOUBT in-doubt', 'open'])
  })

  test('of what was answered while this process stood still, nothing is cut', async () => {
    const stage = await following()
    const calls = [1, 2, 3].map((n) => new Call(`SET k ${n}`))
    for (const call of calls) stage.gate.dispatch(call)
    const old = stage.generation(1)
    for (const link of old.links) link.flush()
    stage.follower.follow(second)
    await stage.settle()
    // timers are due before the event loop looks at its sockets, of which each look reads a part
    stage.clock.advance(graceMs * 3)
    for (const call of calls) {
      expect([old.destroyed, call.told]).toEqual([null, ''])
      old.lane(0).answer('+OK\r\n')
      await turns(2)
    }
    await stage.settle()
    expect(old.destroyed?.code).toBe('FENCED')
    expect([calls.map((call) => call.told), stage.state]).toEqual([
      ['+OK\r\n', '+OK\r\n', '+OK\r\n'],
      'open',
    ])
  })

  test('back again while the new master is being opened', async () => {
    const stage = await following()
    const slow: Deferred<void> = deferred()
    stage.answer = () => slow.promise
    stage.follower.follow(second)
    await stage.settle()
    stage.follower.follow(first)
    await stage.settle()
    slow.resolve()
    await stage.settle()
    expect(stage.generation(2).destroyed?.code).toBe('FENCED')
    expect([stage.state, stage.events]).toEqual(['open', ['resume 1']])
    expect(stage.generation(1).destroyed).toBeNull()
  })

  test('to a third master while the second is being opened', async () => {
    const stage = await following()
    const slow: Deferred<void> = deferred()
    stage.answer = (where) => (where.host === second.host ? slow.promise : Promise.resolve())
    stage.follower.follow(second)
    await stage.settle()
    stage.follower.follow(address('10.0.0.3:6379'))
    await stage.settle()
    slow.resolve()
    await stage.settle()
    expect(stage.follower.current?.address).toBe('10.0.0.3:6379')
    expect(stage.opened.map((each) => each.destroyed?.code ?? 'alive')).toEqual([
      'FENCED',
      'FENCED',
      'alive',
    ])
  })

  test('in the last moment of the old one’s grace', async () => {
    const stage = await following()
    stage.gate.dispatch(new Call('SET k 1'))
    stage.follower.follow(second)
    await stage.clock.pass(graceMs / 2)
    stage.follower.follow(address('10.0.0.3:6379'))
    await stage.clock.pass(graceMs * 2)
    expect(stage.follower.current?.address).toBe('10.0.0.3:6379')
    expect(stage.state).toBe('open')
    expect(stage.opened.filter((each) => each.destroyed === null)).toHaveLength(1)
  })

  test('an IPv6 master is the same master when it is named again', async () => {
    const stage = new Stage()
    const six = address('[fd00::1]:6379')
    stage.follower.follow(six)
    await stage.settle()
    stage.follower.hold('1', 'failover', 1_000)
    stage.follower.release('1')
    await stage.settle()
    expect(stage.events).toEqual(['switch 0 1', 'resume 1'])
  })
})

describe('a hold', () => {
  test('keeps the gate shut until it is released, then the same master goes on', async () => {
    const stage = await following()
    stage.follower.hold('7', 'failover', 10_000)
    await stage.clock.pass(500)
    expect([stage.state, stage.follower.holds]).toEqual(['holding', ['7']])
    expect(stage.generation(1).verifications).toBe(0)
    stage.follower.release('7')
    await stage.settle()
    expect([stage.state, stage.events]).toEqual(['open', ['resume 1']])
    expect(stage.generation(1).verifications).toBe(1)
  })

  test('is over after its time, though nobody releases it', async () => {
    const stage = await following()
    stage.follower.hold('7', 'failover', 600)
    await stage.clock.pass(599)
    expect(stage.state).toBe('holding')
    await stage.clock.pass(1)
    expect([stage.state, stage.follower.holds]).toEqual(['open', []])
  })

  test('that is announced again lasts from then on', async () => {
    const stage = await following()
    stage.follower.hold('7', 'failover', 300)
    await stage.clock.pass(200)
    stage.follower.hold('7', 'failover', 300)
    await stage.clock.pass(299)
    expect(stage.state).toBe('holding')
    await stage.clock.pass(1)
    expect(stage.state).toBe('open')
  })

  test('all must be released', async () => {
    const stage = await following()
    stage.follower.hold('1', 'failover', 10_000)
    stage.follower.hold('2', 'failover', 10_000)
    stage.follower.release('1')
    await stage.settle()
    expect(stage.state).toBe('holding')
    stage.follower.release('unknown')
    stage.follower.release('2')
    await stage.settle()
    expect(stage.state).toBe('open')
  })

  test('that comes while the same master is asked is heeded', async () => {
    const stage = await following()
    const asked: Deferred<void> = deferred()
    stage.generation(1).verdict = () => asked.promise
    stage.generation(1).lane(0).cut()
    await stage.settle()
    stage.follower.hold('7', 'failover', 10_000)
    asked.resolve()
    await stage.settle()
    expect(stage.state).toBe('holding')
    stage.follower.release('7')
    await stage.settle()
    expect(stage.state).toBe('open')
  })

  test('keeps a gate shut that is just beginning, also while its master is being opened', async () => {
    const stage = new Stage()
    const connected: Deferred<void> = deferred()
    stage.answer = () => connected.promise
    stage.follower.follow(first)
    await stage.settle()
    stage.follower.hold('7', 'failover', 10_000)
    connected.resolve()
    await stage.settle()
    expect([stage.state, stage.attempts]).toEqual(['holding', 1])
    stage.follower.release('7')
    await stage.settle()
    expect([stage.state, stage.attempts]).toEqual(['open', 2])
  })

  test('ends with a switch', async () => {
    const stage = await following()
    stage.follower.hold('7', 'failover', 10_000)
    stage.follower.follow(second)
    await stage.settle()
    expect([stage.state, stage.follower.holds]).toEqual(['open', []])
    expect(stage.clock.waiting).toBe(0)
  })
})

describe('a symptom', () => {
  test('a lost link: the same master is asked, and goes on', async () => {
    const stage = await following()
    stage.generation(1).lane(0).cut()
    expect(stage.state).toBe('holding')
    await stage.settle()
    expect([stage.state, stage.events]).toEqual(['open', ['resume 1']])
  })

  test('a refusal: this server is left, even if it says that it is a master', async () => {
    const stage = await following()
    const call = new Call('SET k v')
    stage.gate.dispatch(call)
    const lane = stage.generation(1).lane(0)
    lane.flush()
    lane.answer("-READONLY You can't write against a read only replica.\r\n")
    await stage.settle()
    expect(stage.generation(1).destroyed?.code).toBe('FENCED')
    expect(stage.events).toEqual(['switch 1 2'])
    expect(stage.generation(2).lane(0).inFlight).toEqual([call])
  })

  test('another server on the old address is left', async () => {
    const stage = await following()
    stage.generation(1).verdict = () => Promise.reject(new ProxyError('NOT_MASTER', 'another'))
    stage.generation(1).lane(0).cut()
    await stage.clock.pass(50)
    expect(stage.events).toEqual(['failed 10.0.0.1:6379 another', 'switch 1 2'])
  })

  test('a server that does not answer is asked with pauses, and not left', async () => {
    const stage = await following()
    stage.generation(1).verdict = () => Promise.reject(new ProxyError('LINK_LOST', 'refused'))
    stage.generation(1).lane(0).cut()
    await stage.clock.pass(windowMs)
    expect(stage.generation(1).destroyed).toBeNull()
    expect(stage.generation(1).verifications).toBeLessThan(8)
    stage.generation(1).verdict = () => Promise.resolve()
    await stage.clock.pass(500)
    expect(stage.state).toBe('open')
  })

  test('of an earlier master does not touch the present one', async () => {
    const stage = await following()
    stage.follower.follow(second)
    await stage.settle()
    stage.follower.symptom('readonly', stage.generation(1))
    stage.generation(2).lane(0).cut()
    await stage.settle()
    expect(stage.follower.current).toBe(stage.generation(2))
    expect(stage.events).toEqual(['switch 1 2', 'resume 2'])
  })

  test('a master that passes every check and then cuts its links is not asked in a hurry', async () => {
    const stage = await following()
    const master = stage.generation(1)
    let cuts = 0
    master.onSend = (_exchange, link) => {
      queueMicrotask(() => {
        if (cuts++ < 1_000) link.cut()
      })
    }
    stage.gate.dispatch(new Call('BLPOP k 0'))
    await stage.clock.pass(1_000)
    expect(master.verifications).toBeLessThan(20)
  })
})

describe('the end', () => {
  test('closes the present master and goes nowhere else', async () => {
    const stage = await following()
    stage.follower.hold('7', 'failover', 10_000)
    stage.follower.close(new ProxyError('SHUTDOWN'))
    stage.follower.follow(second)
    await stage.clock.pass(1_000)
    expect(stage.generation(1).destroyed).not.toBeNull()
    expect(stage.attempts).toBe(1)
  })

  test('closes a master that is being opened', async () => {
    const stage = new Stage()
    const slow: Deferred<void> = deferred()
    stage.answer = () => slow.promise
    stage.follower.follow(first)
    await stage.settle()
    stage.follower.close(new ProxyError('SHUTDOWN'))
    slow.resolve()
    await stage.settle()
    expect(stage.generation(1).destroyed).not.toBeNull()
    expect(stage.state).not.toBe('open')
  })
})
