import { expect, test } from 'vitest'

import { failoverStage } from '../support/failover-suite.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode } from '../support/resp.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ group: { replicas: 1, sentinels: 1, downAfterMs: 10_000 } })

/** Shared links of one worker for one user, RESP version and db, and its control link. */
const HANDFUL = 10

async function connected(): Promise<number> {
  return Number(await stage().group.knownMaster.info('clients', 'connected_clients'))
}

async function crowd(size: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < size) {
    const batch = Array.from({ length: 50 }, () => RawClient.connect(stage().target.port))
    clients.push(...(await Promise.all(batch)))
  }
  return clients
}

test.each([500, 1_000])(
  '%i clients cost the master a handful of links',
  async (size) => {
    const { target } = stage()
    const before = await connected()
    const clients = await crowd(size)
    try {
      for (let round = 0; round < 3; round += 1) {
        const echoes = await Promise.all(
          clients.map((each, n) => each.command('ECHO', `${round}:${n}`)),
        )
        expect(echoes.every((echo, n) => echo === `${round}:${n}`)).toBe(true)
      }
      const added = (await connected()) - before
      expect(added).toBeLessThanOrEqual(target.linksAllowed(size, HANDFUL))
    } finally {
      await Promise.all(clients.map((each) => each.destroy()))
    }
  },
  60_000,
)

test('clients of different dbs and versions cost a handful more, not a link each', async () => {
  const { target } = stage()
  const before = await connected()
  const clients = await crowd(200)
  try {
    await Promise.all(clients.map((each, n) => each.command('SELECT', n % 4)))
    const newer = clients.filter((_each, n) => n % 2 === 0)
    await Promise.all(newer.map((each) => each.command('HELLO', 3)))
    await Promise.all(clients.map((each, n) => each.command('SET', `links:${n}`, n)))
    const added = (await connected()) - before
    expect(added).toBeLessThanOrEqual(target.linksAllowed(200, 4 * HANDFUL))
  } finally {
    await Promise.all(clients.map((each) => each.destroy()))
  }
}, 60_000)

test('what a script makes up keeps its link waiting, and mixes up nobody’s replies', async () => {
  const { target } = stage()
  const clients = await crowd(50)
  const made = "READONLY You can't write against a read only replica."
  const forge = encode('EVAL', `return redis.error_reply("${made}")`, 0)
  try {
    const [forger, ...others] = clients
    if (forger === undefined) throw new Error('no clients')
    const rounds = 20
    const forging = (async () => {
      for (let round = 0; round < rounds; round += 1) {
        await forger.send(Buffer.concat([forge, encode('INCR', 'links:forger'), forge]))
        const [first, count, last] = (await forger.frames(3)).map(String)
        expect([first, count, last]).toEqual([`-${made}\r\n`, `:${round + 1}\r\n`, first])
      }
    })()
    const working = others.map(async (each, n) => {
      for (let round = 0; round < rounds; round += 1) {
        const value = `${n}:${round}:${'x'.repeat(round * 7)}`
        expect(await each.command('SET', `links:own:${n}`, value)).toBe('OK')
        const echo = `return ARGV[1]`
        expect(await each.command('EVAL', echo, 0, value)).toBe(value)
      }
    })
    await Promise.all([forging, ...working])
    expect(target.logs()).not.toContain('PROTOCOL')
  } finally {
    await Promise.all(clients.map((each) => each.destroy()))
  }
}, 30_000)

test('a link that a client had for itself is given back', async () => {
  const { group, target } = stage()
  const clients = await crowd(50)
  const before = await connected()
  try {
    for (const each of clients) await each.send(encode('BLPOP', 'links:q', 0))
    const blocked = async (): Promise<boolean> =>
      (await group.knownMaster.info('clients', 'blocked_clients')) === '50'
    await until(blocked, { within: 5_000, what: '50 waiting clients' })
    await group.knownMaster.command('RPUSH', 'links:q', ...clients.map((_each, n) => n))
    const popped = await Promise.all(clients.map((each) => each.frames(1)))
    expect(popped.flat()).toHaveLength(50)
    await Promise.all(clients.map((each) => each.command('PING')))
    // The pool may keep some for the next; a second round must not open new ones.
    const kept = (await connected()) - before
    for (const each of clients) expect(await each.command('BLPOP', 'links:q', 0.001)).toBeNull()
    expect((await connected()) - before).toBeLessThanOrEqual(
      Math.max(kept, target.linksAllowed(50, 1)),
    )
  } finally {
    await Promise.all(clients.map((each) => each.destroy()))
  }
  const gone = async (): Promise<boolean> => (await connected()) <= before
  if (target.kind !== 'proxy') await until(gone, { within: 5_000, what: 'the links to go' })
}, 30_000)
