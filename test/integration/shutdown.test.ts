import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { CLI, ensureBuilt } from '../support/build.ts'
import { run } from '../support/child.ts'
import { watchLeaks } from '../support/leaks.ts'
import { freePort } from '../support/ports.ts'
import { Proxy } from '../support/proxy.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode } from '../support/resp.ts'
import { startSentinelGroup } from '../support/sentinel-group.ts'
import type { SentinelGroup } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** From SIGTERM to the end of the process, whatever its clients do. */
const DEADLINE_MS = 10_000

// This file is about the life of the product's own processes: there is nothing to compare it with.
watchLeaks()
let group: SentinelGroup
beforeAll(async () => {
  group = await startSentinelGroup({ replicas: 1, sentinels: 1, downAfterMs: 10_000 })
}, 60_000)
afterAll(() => group.stop())

describe.each(['up', 'split'] as const)('SIGTERM, mode %s', (mode) => {
  const part = mode === 'up' ? 'supervisor' : 'proxyd'

  test('finishes what is in flight, closes at command boundaries, exits with 0', async () => {
    const proxy = await Proxy.start({ sentinels: group.sentinelList, mode })
    const idle = await RawClient.connect(proxy.port)
    const busy = await RawClient.connect(proxy.port, { patience: DEADLINE_MS })
    try {
      expect(await idle.command('PING')).toBe('PONG')
      await group.knownMaster.command('SET', 'n', 0)
      // The server holds writes back for a moment, so that they are in flight at the signal.
      await group.knownMaster.command('CLIENT', 'PAUSE', 1_000, 'WRITE')
      await busy.send(Buffer.concat(Array<Buffer>(100).fill(encode('INCR', 'n'))))
      const sent = async (): Promise<boolean> =>
        Number(await group.knownMaster.info('clients', 'blocked_clients')) > 0
      await until(sent, { within: 2_000, what: 'the writes to be in flight' })
      proxy.child(part).signal('SIGTERM')
      const said = (await busy.rest()).toString('latin1')
      const values = said.split('\r\n').slice(0, -1)
      expect(values).toEqual(Array.from({ length: 100 }, (_each, n) => `:${n + 1}`))
      expect((await idle.rest(DEADLINE_MS)).toString()).toBe('')
      expect(await proxy.child(part).exited(DEADLINE_MS)).toEqual({ code: 0, signal: null })
      await expect(RawClient.connect(proxy.port)).rejects.toThrow('ECONNREFUSED')
    } finally {
      await Promise.all([idle.destroy(), busy.destroy()])
      await proxy.stop()
    }
  }, 40_000)

  test('does not wait for ever for one that does not read, waits in BLPOP or subscribes', async () => {
    const proxy = await Proxy.start({ sentinels: group.sentinelList, mode })
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(proxy.port)))
    const [deaf, waiting, subscriber] = clients
    try {
      await group.knownMaster.command('SET', 'large', Buffer.alloc(8 * 1024 * 1024))
      deaf?.socket.pause()
      await deaf?.send(Buffer.concat(Array<Buffer>(10).fill(encode('GET', 'large'))))
      await waiting?.send(encode('BLPOP', 'nothing', 0))
      expect(await subscriber?.command('SUBSCRIBE', 'c')).toEqual(['subscribe', 'c', 1])
      proxy.child(part).signal('SIGTERM')
      expect(await proxy.child(part).exited(DEADLINE_MS)).toEqual({ code: 0, signal: null })
      await group.knownMaster.command('RPUSH', 'nothing', 'x')
      expect(await group.knownMaster.command('LPOP', 'nothing')).toBe('x')
    } finally {
      await Promise.all(clients.map((client) => client.destroy()))
      await proxy.stop()
    }
  }, 40_000)
})

describe('a bad configuration is refused with exit status 2, the key, the value and what is allowed', () => {
  const BAD: readonly (readonly [readonly string[], readonly RegExp[]])[] = [
    [
      ['--listen', 'nowhere'],
      [/listen/, /nowhere/, /host:port/],
    ],
    [
      ['--listen', '127.0.0.1:99999'],
      [/listen/, /99999/, /host:port/],
    ],
    [
      ['--pool-mode', 'sometimes'],
      [/pool-?mode/i, /sometimes/, /multiplexed.*dedicated/s],
    ],
    [
      ['--in-doubt', 'maybe'],
      [/in-?doubt/i, /maybe/, /error.*close.*retry-idempotent/s],
    ],
    [
      ['--discovery', 'guess'],
      [/discovery/, /guess/, /static.*dns.*consul.*lainlet/s],
    ],
    [
      ['--hold-window', 'soon'],
      [/hold-?window/i, /soon/],
    ],
    [
      ['--workers', '-1'],
      [/workers/, /-1/],
    ],
    [
      ['--log-level', 'loud'],
      [/log-?level/i, /loud/, /info/],
    ],
    [['--nosuch', 'x'], [/nosuch/]],
  ]

  test.each(BAD)('%j', async (args, patterns) => {
    await ensureBuilt()
    const port = await freePort()
    const fine = ['--sentinels', group.sentinelList, '--listen', `127.0.0.1:${port}`]
    const said = await run(process.execPath, [CLI, 'up', ...fine, ...args], { within: 10_000 })
    expect(said.code, said.output).toBe(2)
    for (const pattern of patterns) expect(said.output).toMatch(pattern)
  })

  test('no sentinels and no embedded group', async () => {
    await ensureBuilt()
    const said = await run(process.execPath, [CLI, 'up', '--embedded', 'no'], { within: 10_000 })
    expect(said.code, said.output).toBe(2)
    expect(said.output).toMatch(/sentinels/)
  })

  test('a variable of the environment', async () => {
    await ensureBuilt()
    const env = { ...process.env, SWITCHMASTER_POOL_MODE: 'sometimes' }
    const args = [CLI, 'up', '--sentinels', group.sentinelList]
    const said = await run(process.execPath, args, { within: 10_000, env })
    expect(said.code, said.output).toBe(2)
    expect(said.output).toMatch(/sometimes/)
  })
})
