import { describe, expect, test } from 'vitest'

import { ADMIN_TOKEN, post } from '../support/admin-client.ts'
import type { RawClient } from '../support/raw-client.ts'
import type { Arg } from '../support/resp.ts'
import { encode, faultOf } from '../support/resp.ts'
import { sessionStages } from '../support/session-stage.ts'
import { startRelay } from '../support/fault-relay.ts'
import { RawClient as Client } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const { open, own } = sessionStages()

const inDoubt = /^INDOUBT The master was lost while the command was in flight/

function pipeline(...requests: readonly (readonly Arg[])[]): Buffer {
  return Buffer.concat(requests.map((request) => encode(...request)))
}

async function replies(client: RawClient, count: number): Promise<string[]> {
  return (await client.frames(count)).map((frame) => frame.toString('latin1'))
}

describe('scenario 27: a transaction is cut', () => {
  test('scenario 27: before EXEC: it is queued again and runs once', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    expect(await one.command('MULTI')).toBe('OK')
    expect(await one.command('INCR', 'n')).toBe('QUEUED')
    expect(await one.command('SELECT', 3)).toBe('QUEUED')
    expect(await one.command('SET', 'in-3', 'x')).toBe('QUEUED')
    relay(group.knownMaster).cutAll()
    expect(await one.command('EXEC')).toEqual([1, 'OK', 'OK'])
    expect(await group.knownMaster.command('GET', 'n')).toBe('1')
    expect(await group.knownMaster.command('GET', 'in-3')).toBeNull()
    expect(await one.command('GET', 'in-3')).toBe('x')
  })

  test('scenario 27: the reply to EXEC is lost: in doubt, and it ran once', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    await one.command('MULTI')
    await one.command('INCR', 'n')
    relay(group.knownMaster).set({ needle: 'EXEC', action: 'lost-reply' })
    expect(faultOf(await one.command('EXEC'))).toMatch(inDoubt)
    await relay(group.knownMaster).sprung()
    expect(await one.command('INCR', 'n')).toBe(2)
  })

  test('scenario 27: inside a transaction in one packet: in doubt for each, and nothing ran', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    relay(group.knownMaster).set({ needle: 'EXEC', action: 'cut', keep: 2 })
    await one.send(pipeline(['MULTI'], ['INCR', 'n'], ['INCR', 'n'], ['EXEC'], ['GET', 'n']))
    const said = await replies(one, 5)
    for (const line of said.slice(0, 4)) expect(line.slice(1)).toMatch(inDoubt)
    expect(said[4]).toBe('$-1\r\n')
  })

  test('scenario 27: with WATCH before: nil, as if the key had changed', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    expect(await one.command('WATCH', 'k')).toBe('OK')
    await one.command('MULTI')
    expect(await one.command('SET', 'k', 'mine')).toBe('QUEUED')
    relay(group.knownMaster).cutAll()
    expect(await one.command('EXEC')).toBeNull()
    expect(await one.command('GET', 'k')).toBeNull()
    // The next attempt, which every user of WATCH makes, succeeds.
    await one.command('WATCH', 'k')
    await one.command('MULTI')
    await one.command('SET', 'k', 'mine')
    expect(await one.command('EXEC')).toEqual(['OK'])
  })

  test('scenario 27: with WATCH before, in one packet: nil when it had not left, else in doubt', async () => {
    const args = ['--admin-token', ADMIN_TOKEN]
    const { group, relay, proxy, client } = await open({ relays: true, args })
    const one = await client()
    const packet = pipeline(['MULTI'], ['SET', 'k', 'mine'], ['EXEC'])
    expect(await one.command('WATCH', 'k')).toBe('OK')
    expect((await post(proxy, 'hold', { ttl: '20s' })).status).toBe(200)
    await one.send(packet)
    const isHeld = async (): Promise<boolean> => (await proxy.metric('switchmaster_held')) === 1
    await until(isHeld, { within: 5_000, what: 'the transaction to be held' })
    relay(group.knownMaster).cutAll()
    expect((await post(proxy, 'release')).status).toBe(200)
    expect(await replies(one, 3)).toEqual(['+OK\r\n', '+QUEUED\r\n', '*-1\r\n'])
    expect(await one.command('WATCH', 'k')).toBe('OK')
    relay(group.knownMaster).set({ needle: 'EXEC', action: 'cut', keep: 2 })
    await one.send(packet)
    for (const line of await replies(one, 3)) expect(line.slice(1)).toMatch(inDoubt)
    expect(await one.command('GET', 'k')).toBeNull()
    expect(await one.command('WATCH', 'k')).toBe('OK')
    await one.send(packet)
    expect(await replies(one, 3)).toEqual(['+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n'])
  })
})

describe('scenario 35: a request stops in its middle', () => {
  test('scenario 35: on the way to the master: reads again, the write in doubt, no prefix runs', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    await one.command('SET', 'a', '1')
    relay(group.knownMaster).set({ needle: 'half-of-it', action: 'cut', keep: 4 })
    await one.send(pipeline(['GET', 'a'], ['SET', 'a', 'half-of-it'], ['GET', 'a'], ['ECHO', 'x']))
    const said = await replies(one, 4)
    expect(said[1]?.slice(1)).toMatch(inDoubt)
    expect([said[0], said[2], said[3]]).toEqual(['$1\r\n1\r\n', '$1\r\n1\r\n', '$1\r\nx\r\n'])
    expect(await group.knownMaster.command('GET', 'a')).toBe('1')
  })

  test('scenario 35: from the client: complete ones run, a prefix never does', async () => {
    const { group, proxy } = await open()
    const bytes = pipeline(['INCR', 'n'], ['INCR', 'n'], ['SET', 'k', 'half-of-it'])
    const whole = bytes.length - 6
    for (const action of ['cut', 'half-close'] as const) {
      const way = own(await startRelay(proxy.port))
      way.rule = { fault: { direction: 'up', byte: whole, action } }
      const one = await Client.connect(way.port)
      own({ stop: () => one.destroy() })
      await one.send(bytes)
      await one.rest()
    }
    const ran = async (): Promise<boolean> => (await group.knownMaster.command('GET', 'n')) === '4'
    await until(ran, { within: 5_000, what: 'the complete ones to have run' })
    expect(await group.knownMaster.command('GET', 'k')).toBeNull()
  })

  test('scenario 35: inside an upload: not executed, the client is told so and goes on', async () => {
    const { group, relay, client } = await open({ relays: true })
    const one = await client()
    relay(group.knownMaster).set({ needle: 'middle', action: 'cut', keep: 3 })
    const value = Buffer.alloc(4 * 1024 * 1024, 'x')
    value.write('middle', 2 * 1024 * 1024)
    await one.send(pipeline(['SET', 'large', value], ['ECHO', 'behind']))
    const said = await replies(one, 2)
    expect(said[0]).toMatch(
      /^-(MASTERDOWN The master was lost while the command was being received|INDOUBT)/,
    )
    expect(said[1]).toBe('$6\r\nbehind\r\n')
    expect(await group.knownMaster.command('EXISTS', 'large')).toBe(0)
  })
})

describe('what is done with a write in doubt', () => {
  test('in-doubt: close ends the connection, alone, and says why in the metrics', async () => {
    const args = ['--in-doubt', 'close']
    const { group, proxy, relay, client } = await open({ relays: true, args })
    const [one, other] = [await client(), await client()]
    expect(await other.command('PING')).toBe('PONG')
    relay(group.knownMaster).set({ needle: 'mine', action: 'lost-reply' })
    await one.send(pipeline(['SET', 'k', 'mine'], ['PING']))
    expect((await one.rest()).toString()).toBe('')
    expect(await other.command('GET', 'k')).toBe('mine')
    const metrics = await proxy.metrics()
    expect(metrics.get('switchmaster_client_disconnects_total{reason="in-doubt"}')).toBe(1)
    expect(metrics.get('switchmaster_client_disconnects_total{reason="half-reply"}')).toBe(0)
  })

  test('in-doubt: retry-idempotent sends again what may run twice, and nothing else', async () => {
    const args = ['--in-doubt', 'retry-idempotent']
    const { group, relay, client } = await open({ relays: true, args })
    const one = await client()
    for (const [request, reply] of [
      [['SET', 'k', 'needle'], 'OK'],
      [['MSET', 'a', '1', 'b', 'needle'], 'OK'],
    ] as const) {
      relay(group.knownMaster).set({ needle: 'needle', action: 'lost-reply' })
      expect(await one.command(...request)).toBe(reply)
      await relay(group.knownMaster).sprung()
    }
    for (const request of [
      ['INCR', 'needle'],
      ['SADD', 's', 'needle'],
      ['SET', 'k', 'needle', 'NX'],
      ['SET', 'k', 'needle', 'EX', '100'],
    ]) {
      relay(group.knownMaster).set({ needle: 'needle', action: 'lost-reply' })
      expect(faultOf(await one.command(...request)), request.join(' ')).toMatch(inDoubt)
      await relay(group.knownMaster).sprung()
    }
    expect(await one.command('GET', 'needle')).toBe('1')
  })
})
