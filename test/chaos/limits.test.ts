import { connect } from 'node:net'
import type { Socket } from 'node:net'

import { describe, expect, test } from 'vitest'

import type { Proxy } from '../support/proxy.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { encode, faultOf } from '../support/resp.ts'
import { replicated, sessionStages } from '../support/session-stage.ts'
import { until } from '../support/until.ts'

const { open, own } = sessionStages()

const MB = 1024 * 1024

async function held(proxy: Proxy, count: number): Promise<void> {
  const all = async (): Promise<boolean> => (await proxy.metric('switchmaster_held')) === count
  await until(all, { within: 20_000, what: `${count} held commands` })
}

/** The connections that a server has accepted since it was started. */
async function accepted(node: RedisServer): Promise<number> {
  return Number(await node.info('stats', 'total_connections_received'))
}

describe('scenario 38: a flood while there is no master', () => {
  test('scenario 38: the newest are refused at once, the others are answered by the next master', async () => {
    const stage = await open({ args: ['--hold-max-commands', '200', '--drain-batch', '100'] })
    const { group, proxy } = stage
    const [early, late] = [await stage.clients(200), await stage.clients(100)]
    const before = await group.killMaster()
    for (const one of early) await one.send(encode('INCR', 'early'))
    await held(proxy, 200)
    for (const one of late) {
      expect(faultOf(await one.command('INCR', 'late'))).toMatch(
        /^TRYAGAIN Too many commands wait for a new master; the command was not executed/,
      )
    }
    const after = await group.switched(before)
    const replies = (await Promise.all(early.map((one) => one.frames(1)))).flat().map(String)
    expect(new Set(replies)).toEqual(new Set(early.map((_one, n) => `:${n + 1}\r\n`)))
    expect(await after.command('GET', 'late')).toBeNull()
    // Whoever was refused is still a client.
    expect(await late[0]?.command('INCR', 'late')).toBe(1)
    const refused = (await proxy.metrics()).get(
      'switchmaster_refused_total{reason="hold-commands"}',
    )
    expect(refused).toBe(100)
  })

  test('scenario 38: bytes are bounded, whatever clients go on to send', async () => {
    const stage = await open({ args: ['--hold-max-bytes', '8mb', '--client-output-pause', '64kb'] })
    const { group, proxy } = stage
    const many = await stage.clients(300)
    const before = await group.killMaster()
    const residentBefore = proxy.residentBytes()
    const value = Buffer.alloc(100 * 1024, 'v')
    // 30 MB to be held, and 300 MB more behind it: the rest stays in the sockets.
    for (const [n, one] of many.entries()) {
      void one.send(Buffer.concat(Array<Buffer>(10).fill(encode('SET', `k${n}`, value))))
    }
    const refusals = async (): Promise<boolean> =>
      (await proxy.metric('switchmaster_refused_total')) > 200
    await until(refusals, { within: 15_000, what: 'the newest to be refused' })
    expect(await proxy.metric('switchmaster_held_bytes')).toBeLessThanOrEqual(8 * MB)
    expect(proxy.residentBytes() - residentBefore).toBeLessThan(200 * MB)
    await group.switched(before)
    for (const one of many) {
      const replies = (await one.frames(10)).map(String)
      for (const reply of replies) expect(reply).toMatch(/^(\+OK|-TRYAGAIN .*)\r\n$/)
    }
  })
})

test('scenario 39: 5,000 held clients meet the new master over a handful of links, each once', async () => {
  const stage = await open()
  const { group, proxy } = stage
  const [next] = group.replicas
  if (next === undefined) throw new Error('no replica')
  const many = await stage.clients(5_000)
  await Promise.all(many.map((one) => one.command('PING')))
  const before = await group.killMaster()
  for (const one of many) await one.send(encode('INCR', 'herd'))
  await held(proxy, 5_000)
  const connections = await accepted(next)
  const after = await group.switched(before)
  expect(after).toBe(next)
  const replies = (await Promise.all(many.map((one) => one.frames(1)))).flat().map(String)
  expect(new Set(replies).size).toBe(5_000)
  expect(replies.every((reply) => /^:\d+\r\n$/.test(reply))).toBe(true)
  expect(await after.command('GET', 'herd')).toBe('5000')
  // Two shared links, the control link, the probe; and those of sentinel and of the monitor.
  expect((await accepted(next)) - connections).toBeLessThanOrEqual(20)
})

describe('scenario 43: the new master refuses us', () => {
  const own43 = ['--upstream-user', 'probe', '--upstream-password', 'right']
  const rights = ['~*', '&*', '+@all']

  test('scenario 43: wrong password: few attempts, a clear word, and clients are told', async () => {
    const stage = await open({
      group: { nodeConfig: [`user probe on >right ${rights.join(' ')}`] },
      args: [...own43, '--hold-window', '5s', '--log-level', 'debug'],
    })
    const { group, proxy, client } = stage
    const [next] = group.replicas
    await next?.command('ACL', 'SETUSER', 'probe', 'resetpass', '>wrong')
    await next?.command('ACL', 'LOG', 'RESET')
    const one = await client()
    const before = await group.killMaster()
    const answered = one.command('SET', 'k', 'v')
    const after = await group.switched(before)
    expect(faultOf(await answered)).toMatch(/^MASTERDOWN No master was reachable/)
    expect(proxy.logs()).toMatch(/WRONGPASS/)
    const failures = proxy.logs().split('the master cannot be used yet').length - 1
    expect(failures).toBeGreaterThan(0)
    // At most one attempt each half second, after the first few.
    expect(failures).toBeLessThan(40)
    await after.command('ACL', 'SETUSER', 'probe', 'resetpass', '>right')
    const works = async (): Promise<boolean> => (await one.command('SET', 'k', 'v')) === 'OK'
    await until(works, { within: 5_000, every: 100, what: 'commands to go on' })
  })

  test('scenario 43: maxclients: what is held waits until there is room', async () => {
    const stage = await open()
    const { group, client } = stage
    const [next] = group.replicas
    if (next === undefined) throw new Error('no replica')
    const one = await client()
    const before = await group.killMaster()
    const answered = one.command('INCR', 'n')
    const after = await group.switched(before)
    expect(await answered).toBe(1)
    // Now the same server turns all new connections away, and closes those it has.
    await after.command('CONFIG', 'SET', 'maxclients', 1)
    await after.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    const read = one.command('GET', 'n')
    const rejected = async (): Promise<boolean> =>
      Number(await after.info('stats', 'rejected_connections')) >= 5
    await until(rejected, { within: 15_000, what: 'attempts to be turned away' })
    const startedAt = performance.now()
    const count = Number(await after.info('stats', 'rejected_connections'))
    const later = async (): Promise<boolean> => performance.now() - startedAt > 2_000
    await until(later, { within: 5_000, what: 'two more seconds' })
    const more = Number(await after.info('stats', 'rejected_connections')) - count
    await after.command('CONFIG', 'SET', 'maxclients', 10_000)
    expect(await read).toBe('1')
    // Of proxyd, the monitor and the sentinel together.
    expect(more).toBeLessThan(60)
  })

  test('scenario 43: protected mode: its words are nobody’s reply; it ends, and clients go on', async () => {
    const stage = await open({ relays: true })
    const { group, client, relay, proxy } = stage
    const [next] = group.replicas
    if (next === undefined) throw new Error('no replica')
    relay(next).refusal =
      '-DENIED Redis is running in protected mode because protected mode is enabled\r\n'
    relay(next).cutAll()
    const one = await client()
    const before = await group.killMaster()
    const answered = one.command('INCR', 'n')
    await group.switched(before)
    const attempts = relay(next).accepted
    const tried = (): boolean => relay(next).accepted >= attempts + 5
    await until(tried, { within: 15_000, what: 'the new master to be tried' })
    relay(next).refusal = null
    expect(await answered).toBe(1)
    expect(relay(next).accepted).toBeLessThan(attempts + 100)
    expect(await proxy.metric('switchmaster_in_doubt_total')).toBe(0)
  })
})

describe('scenario 44: clients that do not read', () => {
  /** A client that sends and then reads nothing more. */
  async function deaf(port: number, bytes: Buffer): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' })
    own({ stop: () => Promise.resolve(socket.destroy()) })
    socket.on('error', () => undefined)
    await new Promise<void>((done) => socket.once('connect', done))
    socket.write(bytes)
    return socket
  }

  test('scenario 44: a subscriber is closed at its limit; another hears every message', async () => {
    const limit = ['--client-output-limit', '4mb', '--client-output-pause', '1mb']
    const { proxy, client } = await open({ args: limit })
    const good = await client()
    expect(await good.command('SUBSCRIBE', 'c')).toEqual(['subscribe', 'c', 1])
    const slow = await deaf(proxy.port, encode('SUBSCRIBE', 'c'))
    slow.pause()
    const publisher = await client()
    const both = async (): Promise<boolean> =>
      (await publisher.command('PUBLISH', 'c', 'first')) === 2
    await until(both, { within: 5_000, what: 'two subscribers' })
    await good.frames(good.waiting)
    const residentBefore = proxy.residentBytes()
    const message = Buffer.alloc(256 * 1024, 'm')
    let published = 0
    const closed = async (): Promise<boolean> => {
      published += 1
      await publisher.command('PUBLISH', 'c', message)
      const metrics = await proxy.metrics()
      return metrics.get('switchmaster_clients') === 2
    }
    await until(closed, { within: 60_000, every: 1, what: 'the slow subscriber to be closed' })
    const metrics = await proxy.metrics()
    expect(metrics.get('switchmaster_client_disconnects_total{reason="output-limit"}')).toBe(1)
    const alone = async (): Promise<boolean> =>
      (await publisher.command('PUBLISH', 'c', 'last')) === 1
    await until(alone, { within: 5_000, what: 'the link of the slow one to be gone' })
    const heard: number[] = []
    for (
      let frame: Buffer = Buffer.alloc(0);
      !frame.includes('\r\nlast\r\n');
      heard.push(frame.length)
    ) {
      frame = (await good.frames(1))[0] ?? frame
    }
    expect(heard.filter((size) => size > message.length)).toHaveLength(published)
    expect(proxy.residentBytes() - residentBefore).toBeLessThan(150 * MB)
  })

  test('scenario 44: one with large replies costs a bounded memory, and the others no time', async () => {
    const limit = ['--client-output-limit', '4mb', '--client-output-pause', '1mb']
    const { group, proxy, client } = await open({ args: limit })
    await group.knownMaster.command('SET', 'large', Buffer.alloc(MB, 'x'))
    await group.knownMaster.command('SET', 'small', 'v')
    await replicated(group)
    const others = await Promise.all([client(), client(), client(), client()])
    const residentBefore = proxy.residentBytes()
    const asks = Buffer.concat(Array<Buffer>(500).fill(encode('GET', 'large')))
    const slow = await deaf(proxy.port, asks)
    slow.pause()
    for (let round = 0; round < 200; round += 1) {
      const replies = await Promise.all(others.map((one) => one.command('GET', 'small')))
      expect(replies).toEqual(['v', 'v', 'v', 'v'])
    }
    expect(proxy.residentBytes() - residentBefore).toBeLessThan(150 * MB)
  })
})
