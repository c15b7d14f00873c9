import { createHash } from 'node:crypto'

import { expect, test } from 'vitest'

import { failoverStage } from '../support/failover-suite.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode, faultOf } from '../support/resp.ts'
import { TARGET } from '../support/target.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ workers: 2 })

function sha1(script: string): string {
  return createHash('sha1').update(script).digest('hex')
}

const write = "return redis.call('SET', KEYS[1], ARGV[1])"

test.runIf(TARGET === 'proxy')(
  'scenario 32: EVALSHA after a crash works if the script came through the proxy',
  async () => {
    const { group, target } = stage()
    await group.whole(40_000)
    // Two workers, and each client at one of them: what each has seen, its own clients use.
    const clients = await Promise.all(
      [1, 2, 3, 4].map(() => RawClient.connect(target.port, { patience: 20_000 })),
    )
    try {
      for (const [n, client] of clients.entries()) {
        const loaded = `return 'loaded ${n}'`
        expect(await client.command('SCRIPT', 'LOAD', loaded)).toBe(sha1(loaded))
        expect(await client.command('EVAL', `return 'run ${n}'`, 0)).toBe(`run ${n}`)
      }
      await group.knownMaster.command('SCRIPT', 'LOAD', "return 'not seen'")
      const before = await group.killMaster()
      // What leaves before a worker has noticed is on the wire of a dead link, and so in doubt.
      const shut = async (): Promise<boolean> =>
        JSON.stringify(await target.proxy?.state()).split('"gate":{"name":"holding"').length > 2
      await until(shut, { within: 10_000, what: 'both workers to hold' })
      const held = clients.map((client, n) =>
        client.command('EVALSHA', sha1(`return 'loaded ${n}'`), 0),
      )
      await group.switched(before)
      expect(await Promise.all(held)).toEqual(clients.map((_client, n) => `loaded ${n}`))
      for (const [n, client] of clients.entries()) {
        // In a transaction, where no library could help itself, and by the name of what was EVALed.
        const use = encode('EVALSHA', sha1(`return 'run ${n}'`), 0)
        await client.send(Buffer.concat([encode('MULTI'), use, encode('EXEC')]))
        expect(String((await client.frames(3))[2])).toBe(`*1\r\n$5\r\nrun ${n}\r\n`)
        const foreign = await client.command('EVALSHA', sha1("return 'not seen'"), 0)
        expect(faultOf(foreign)).toMatch(/^NOSCRIPT/)
      }
    } finally {
      await Promise.all(clients.map((client) => client.destroy()))
      await group.oldMaster.restart()
    }
  },
  90_000,
)

test.runIf(TARGET === 'proxy')(
  'scenario 5: a script that a demoted master refuses runs on the next one, and once',
  async () => {
    const { group, target } = stage()
    await group.whole(40_000)
    const client = await RawClient.connect(target.port, { patience: 20_000 })
    try {
      const before = await group.master()
      const [next] = group.replicas
      if (next === undefined) throw new Error('no replica')
      await client.command('EVAL', write, 1, 'k', 'before')
      // The roles are swapped; the connections stay, and the sentinels go on naming the old one.
      // Meanwhile the server holds scripts back, and then lets them run as a replica.
      const refused = 'switchmaster_replayed_total{class="refused"}'
      const already = (await target.proxy?.metrics())?.get(refused) ?? 0
      expect(await before.command('FAILOVER', 'TO', '127.0.0.1', next.port)).toBe('OK')
      expect(await client.command('EVAL', write, 1, 'k', 'after')).toBe('OK')
      expect(await next.command('GET', 'k')).toBe('after')
      expect((await target.proxy?.metrics())?.get(refused)).toBe(already + 1)
    } finally {
      await client.destroy()
    }
  },
  90_000,
)

test('what a script says of itself is its own affair, and nothing runs twice', async () => {
  const { target } = stage()
  const client = await RawClient.connect(target.port, { patience: 20_000 })
  const forged = `redis.call('INCR', KEYS[1]) return redis.error_reply("READONLY You can't write")`
  try {
    for (let n = 1; n <= 3; n += 1) {
      const reply = await client.command('EVAL', forged, 1, 'forged')
      expect(faultOf(reply)).toBe("READONLY You can't write")
      expect(await client.command('GET', 'forged')).toBe(String(n))
    }
  } finally {
    await client.destroy()
  }
})
