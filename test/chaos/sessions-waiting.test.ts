import { describe, expect, test } from 'vitest'

import type { RawClient } from '../support/raw-client.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { prepare } from '../support/redis-server.ts'
import type { Arg, Reply } from '../support/resp.ts'
import { encode, faultOf, parse } from '../support/resp.ts'
import { replicated, sessionStages } from '../support/session-stage.ts'
import type { SessionStage } from '../support/session-stage.ts'
import { until } from '../support/until.ts'

const { open } = sessionStages()

/** So many clients wait inside the server. */
async function blocked(node: RedisServer, count: number): Promise<void> {
  const enough = async (): Promise<boolean> =>
    Number(await node.info('clients', 'blocked_clients')) === count
  await until(enough, { within: 15_000, what: `${count} blocked clients` })
}

async function crash({ group }: SessionStage, meanwhile?: () => Promise<void>): Promise<void> {
  const before = await group.killMaster()
  await meanwhile?.()
  await group.switched(before)
}

/** The next reply that a client gets, whenever it comes. */
async function next(client: RawClient): Promise<Reply> {
  const [frame] = await client.frames(1)
  return frame === undefined ? null : parse(frame)
}

test('scenario 28: commands that wait in the master wait on in the next one', async () => {
  const stage = await open()
  const { group, client } = stage
  await prepare(group.knownMaster, [['XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM']])
  await replicated(group)
  const waiting = async (...request: readonly Arg[]): Promise<RawClient> => {
    const one = await client()
    await one.send(encode(...request))
    return one
  }
  const pop = await waiting('BLPOP', 'q', 30)
  const forever = await waiting('BLPOP', 'for-ever', 0)
  const reader = await waiting(
    ...['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 30_000, 'STREAMS', 's', '>'],
  )
  const gone = await waiting('BLPOP', 'gone', 30)
  const startedAt = performance.now()
  const late = await waiting('BLPOP', 'nothing', 6)
  const writer = await client()
  await writer.command('SET', 'k', 'v')
  await writer.send(encode('WAIT', 5, 30_000))
  await blocked(group.knownMaster, 6)
  await crash(stage, () => gone.destroy())

  expect(faultOf(await next(writer))).toMatch(/^UNBLOCKED force unblock/)
  const switchedMs = performance.now() - startedAt
  await blocked(group.knownMaster, 4)
  for (const key of ['q', 'for-ever', 'gone']) await group.knownMaster.command('RPUSH', key, 'x')
  await group.knownMaster.command('XADD', 's', '1-1', 'f', 'v')
  expect(await next(pop)).toEqual(['q', 'x'])
  expect(await next(forever)).toEqual(['for-ever', 'x'])
  expect(await next(reader)).toEqual([['s', [['1-1', ['f', 'v']]]]])
  expect(await group.knownMaster.command('LRANGE', 'gone', 0, -1)).toEqual(['x'])
  // The time that has passed before the crash and during it is counted, not begun anew.
  expect(await next(late)).toBeNull()
  const tookMs = performance.now() - startedAt
  expect(tookMs).toBeGreaterThan(5_900)
  expect(tookMs).toBeLessThan(Math.max(6_000, switchedMs) + 2_000)
})

const KINDS = [
  { subscribe: 'SUBSCRIBE', to: 'news', publish: 'PUBLISH', message: 'message' },
  { subscribe: 'PSUBSCRIBE', to: 'ne*', publish: 'PUBLISH', message: 'pmessage' },
  { subscribe: 'SSUBSCRIBE', to: 'news', publish: 'SPUBLISH', message: 'smessage' },
] as const

describe.each([2, 3])('scenario 29: subscribers with RESP%i', (version) => {
  test('scenario 29: hear messages again at once, and no confirmation twice', async () => {
    const stage = await open()
    const publisher = await stage.client()
    const subscribers: RawClient[] = []
    for (const { subscribe, to } of KINDS) {
      const one = await stage.client()
      await one.command('HELLO', version)
      expect(await one.command(subscribe, to)).toEqual([subscribe.toLowerCase(), to, 1])
      subscribers.push(one)
    }
    await crash(stage)
    expect(await publisher.command('SET', 'the', 'switch')).toBe('OK')
    const switchedAt = performance.now()
    const heard = async (): Promise<boolean> => {
      await publisher.command('PUBLISH', 'news', 'm')
      await publisher.command('SPUBLISH', 'news', 'm')
      return subscribers.every((one) => one.waiting > 0)
    }
    await until(heard, { within: 5_000, every: 10, what: 'every subscriber to hear' })
    expect(performance.now() - switchedAt).toBeLessThan(1_000)
    for (const [n, one] of subscribers.entries()) {
      const frames = await one.frames(one.waiting)
      const types = new Set(frames.map((frame) => frame.toString('latin1', 0, 1)))
      const kinds = new Set(frames.map((frame) => (parse(frame) as readonly Reply[])[0]))
      expect([...types]).toEqual([version === 2 ? '*' : '>'])
      expect([...kinds]).toEqual([KINDS[n]?.message])
      // It is a subscription like before: it can be ended, and only then it is over.
      await one.send(encode(`${KINDS[n]?.subscribe.replace('SUB', 'UNSUB')}`, KINDS[n]?.to ?? ''))
      const ended = async (): Promise<boolean> => {
        const last = parse((await one.frames(1))[0] ?? Buffer.alloc(0)) as readonly Reply[]
        return /unsubscribe$/.test(JSON.stringify(last[0]).slice(1, -1)) && last[2] === 0
      }
      await until(ended, { within: 5_000, what: 'the end of the subscription' })
      expect(await one.command('PING')).toBe('PONG')
    }
  })
})

describe('scenario 30: tracking', () => {
  test('scenario 30: the client is told to forget all, and hears of changes on the new master', async () => {
    const stage = await open()
    const [one, other] = [await stage.client(), await stage.client()]
    await one.command('HELLO', 3)
    expect(await one.command('CLIENT', 'TRACKING', 'ON')).toBe('OK')
    await other.command('SET', 'k', '1')
    expect(await one.command('GET', 'k')).toBe('1')
    await replicated(stage.group)
    await crash(stage)
    expect(await next(one)).toEqual(['invalidate', null])
    expect(await one.command('GET', 'k')).toBe('1')
    await other.command('SET', 'k', '2')
    expect(await next(one)).toEqual(['invalidate', ['k']])
    expect(await one.command('GET', 'k')).toBe('2')
    expect(one.waiting).toBe(0)
  })

  test('scenario 30: with a redirection in RESP2 the other client is told, and nobody is closed', async () => {
    const stage = await open()
    const clients = [await stage.client(), await stage.client(), await stage.client()] as const
    const [data, listener, other] = clients
    const id = await listener.command('CLIENT', 'ID')
    await listener.command('SUBSCRIBE', '__redis__:invalidate')
    expect(await data.command('CLIENT', 'TRACKING', 'ON', 'REDIRECT', Number(id))).toBe('OK')
    await other.command('SET', 'k', '1')
    expect(await data.command('GET', 'k')).toBe('1')
    await replicated(stage.group)
    await crash(stage)
    expect(await next(listener)).toEqual(['message', '__redis__:invalidate', null])
    expect(await data.command('GET', 'k')).toBe('1')
    await other.command('SET', 'k', '2')
    expect(await next(listener)).toEqual(['message', '__redis__:invalidate', ['k']])
    expect(await data.command('CLIENT', 'GETREDIR')).toBe(id)
    expect(clients.map((each) => [each.ended, each.waiting])).toEqual([
      [false, 0],
      [false, 0],
      [false, 0],
    ])
  })
})
