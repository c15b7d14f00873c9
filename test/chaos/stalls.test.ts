import { expect, test } from 'vitest'

import { chaosStages, logLines } from '../support/chaos-stage.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode } from '../support/resp.ts'
import { replicated } from '../support/session-stage.ts'
import { until } from '../support/until.ts'

/** Processes that stand still and go on as if nothing had been: a machine that sleeps, or is moved. */
const { open, own } = chaosStages()

/** Counts on one key, one increment after the other. */
class Counter {
  readonly key: string
  readonly #client: RawClient

  constructor(key: string, client: RawClient) {
    this.key = key
    this.#client = client
  }

  ask(): Promise<void> {
    return this.#client.send(encode('INCR', this.key))
  }

  async answer(): Promise<string> {
    const [frame] = await this.#client.frames(1)
    return String(frame).trim()
  }

  stop(): Promise<void> {
    return this.#client.destroy()
  }
}

async function counters(port: number, count: number): Promise<Counter[]> {
  const clients = Array.from({ length: count }, async (_each, n) => {
    return own(new Counter(`n${n}`, await RawClient.connect(port, { patience: 20_000 })))
  })
  return Promise.all(clients)
}

/** A pause of a process that it must notice. */
async function longEnough(since: number): Promise<void> {
  const over = (): boolean => performance.now() - since > 2_000
  await until(over, { within: 3_000, what: '2 s to pass' })
}

const values = (count: number): string[] => Array.from({ length: count }, (_each, n) => `:${n + 1}`)

test('scenario 47: master, monitor and data plane stand still together while another is promoted', async () => {
  const { group, proxy, target } = await open()
  const all = await counters(target.port, 40)
  await Promise.all(all.map((each) => each.ask()))
  const said = await Promise.all(all.map(async (each) => [await each.answer()]))
  await replicated(group)
  const before = await group.master()
  const stoppedAt = performance.now()
  proxy.signal('proxyd', 'SIGSTOP')
  proxy.signal('monitor', 'SIGSTOP')
  before.signal('SIGSTOP')
  for (const each of all) await each.ask()
  const after = await group.switched(before)
  await longEnough(stoppedAt)
  // The old one is a sound master for some seconds, by its own word.
  before.signal('SIGCONT')
  proxy.signal('monitor', 'SIGCONT')
  proxy.signal('proxyd', 'SIGCONT')
  await Promise.all(
    all.map(async (each, n) => {
      for (let more = 0; more < 20; more += 1) {
        said[n]?.push(await each.answer())
        await each.ask()
      }
      said[n]?.push(await each.answer())
    }),
  )
  for (const each of said) expect(each).toEqual(values(22))
  for (const each of all) expect(await after.command('GET', each.key)).toBe('22')
  expect(logLines({ group, proxy, target }, 'this process stood still')).toHaveLength(1)
}, 90_000)

test('scenario 47 without a failover: the same master goes on once the sentinels were asked', async () => {
  const stage = await open({ groupOptions: { downAfterMs: 30_000 } })
  const { proxy, target } = stage
  const all = await counters(target.port, 40)
  const stoppedAt = performance.now()
  proxy.signal('proxyd', 'SIGSTOP')
  for (const each of all) await each.ask()
  await longEnough(stoppedAt)
  proxy.signal('proxyd', 'SIGCONT')
  const said = await Promise.all(all.map((each) => each.answer()))
  expect(new Set(said)).toEqual(new Set([':1']))
  expect(await proxy.metric('switchmaster_generation')).toBe(1)
  expect((await proxy.metrics()).get('switchmaster_holds_total{reason="stall"}')).toBe(1)
  expect(logLines(stage, 'a reader of the feed was cut off')).toEqual([])
}, 60_000)
