import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { LeasePool, type LeasePoolOptions } from '../../../src/upstream/lease-pool.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { until } from '../../support/until.ts'
import { plainState } from '../support/call.ts'
import { master } from '../support/scripted-server.ts'
import { turns } from '../support/virtual-clock.ts'
import { seen, stage, type Stage } from './link-kit.ts'

watchLeaks()

const options: LeasePoolOptions = { max: 2, acquireTimeoutMs: 100, maxWaiting: 3, idleMs: 60_000 }

function poolOn(on: Stage, change: Partial<LeasePoolOptions> = {}): LeasePool {
  return new LeasePool(on.context, on.notes, { ...options, ...change })
}

function end(pool: LeasePool): void {
  pool.end(new ProxyError('FENCED', 'the test is over'))
}

/** Turns time by `ms` in small steps, so that sockets have their turns in between. */
async function pass(on: Stage, ms: number, stepMs = 25): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) {
    on.clock.advance(stepMs)
    await turns(10)
  }
}

const state = plainState

test('a link that was given back clean is given again, one that was not is closed', async () => {
  const on = await stage()
  const pool = poolOn(on)
  const first = await pool.acquire(state)
  pool.release(first, state, true)
  const second = await pool.acquire(state)
  expect(second).toBe(first)
  pool.release(second, state, false)
  await seen(() => first.closed)
  const third = await pool.acquire(state)
  expect(third).not.toBe(first)
  expect(on.server.accepted).toHaveLength(2)
  end(pool)
})

test('a link that died in the pool is not given out', async () => {
  const on = await stage()
  const pool = poolOn(on)
  const first = await pool.acquire(state)
  pool.release(first, state, true)
  on.server.connection(0).socket.destroy()
  await seen(() => first.closed)
  const second = await pool.acquire(state)
  expect([second === first, second.open]).toEqual([false, true])
  end(pool)
})

test('each identity and version has its own', async () => {
  const on = await stage()
  const pool = poolOn(on, { max: 1 })
  const user = { identity: { name: 'u', auth: [Buffer.from('u'), Buffer.from('p')] }, db: 0 }
  await Promise.all([
    pool.acquire(state),
    pool.acquire({ ...state, resp: 3 }),
    pool.acquire({ ...user, resp: 2 }),
  ])
  expect([...pool.links()]).toHaveLength(3)
  end(pool)
})

describe('who waits', () => {
  test('is told after a while that all are taken', async () => {
    const on = await stage()
    const pool = poolOn(on, { acquireTimeoutMs: 1_000 }) // the first two are really connected in it
    await Promise.all([pool.acquire(state), pool.acquire(state)])
    await expect(pool.acquire(state)).rejects.toMatchObject({ code: 'LEASE_LIMIT' })
    end(pool)
  })

  test('is told at once when too many wait', async () => {
    const on = await stage()
    const pool = poolOn(on, { acquireTimeoutMs: 1_000 })
    await Promise.all([pool.acquire(state), pool.acquire(state)])
    const waiting = [1, 2, 3].map(() => pool.acquire(state))
    const told = waiting.map((each) => expect(each).rejects.toMatchObject({ code: 'FENCED' }))
    await expect(pool.acquire(state)).rejects.toMatchObject({ code: 'LEASE_LIMIT' })
    end(pool)
    await Promise.all(told)
    for (const link of pool.links()) expect(link.closed).toBe(true)
  })

  test('is told of the end of the generation, also when it came first', async () => {
    const on = await stage(() => undefined)
    const pool = poolOn(on)
    const early = expect(pool.acquire(state)).rejects.toMatchObject({ code: 'FENCED' })
    await on.server.accept()
    end(pool)
    await early
    await expect(pool.acquire(state)).rejects.toMatchObject({ code: 'FENCED' })
  })

  test('is told that the server refuses the identity', async () => {
    const on = await stage((request) =>
      request[0] === 'AUTH' ? '-WRONGPASS invalid\r\n' : master(request),
    )
    const pool = poolOn(on)
    const wrong = { ...state, identity: { name: 'u', auth: [Buffer.from('p')] } }
    await expect(pool.acquire(wrong)).rejects.toMatchObject({ code: 'HANDSHAKE_FAILED' })
    await expect(pool.acquire(state)).resolves.toMatchObject({ open: true })
    end(pool)
  })
})

describe('a server that cannot be had', () => {
  test('is tried again with growing pauses while somebody waits', async () => {
    const on = await stage(() => undefined)
    await on.server.close()
    const pool = poolOn(on, { acquireTimeoutMs: 10_000 })
    const waiting = expect(pool.acquire(state)).rejects.toMatchObject({ code: 'FENCED' })
    const pauses: number[] = []
    const after = on.clock.after.bind(on.clock)
    const { connectTimeoutMs, handshakeTimeoutMs } = on.context.options
    on.clock.after = (ms, fn) => {
      if (ms !== connectTimeoutMs && ms !== handshakeTimeoutMs) pauses.push(ms)
      return after(ms, fn)
    }
    for (let i = 0; i < 7; i++) {
      await seen(() => pauses.length === i + 1)
      on.clock.advance(pauses[i] ?? 0)
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
    end(pool)
    await waiting
    await pass(on, 3_000)
    expect(pauses.length).toBeLessThan(9)
  })

  test('is left alone once nobody waits for a link of the identity that it refuses', async () => {
    const on = await stage((request) =>
      request[0] === 'AUTH' ? '-WRONGPASS invalid\r\n' : master(request),
    )
    const pool = poolOn(on, { acquireTimeoutMs: 20 })
    const wrong = { ...state, identity: { name: 'u', auth: [Buffer.from('p')] } }
    await expect(pool.acquire(wrong)).rejects.toMatchObject({ code: 'HANDSHAKE_FAILED' })
    // generic-pool ends the wait by a clock of its own
    const isQuiet = async (): Promise<boolean> => {
      const before = on.server.accepted.length
      await pass(on, 1_000)
      return on.server.accepted.length === before && [...pool.links()].length === 0
    }
    await until(isQuiet, { within: 3_000, every: 2 })
    const before = on.server.accepted.length
    await pass(on, 20_000, 500)
    expect(on.server.accepted.length).toBe(before)
    end(pool)
  })
})
