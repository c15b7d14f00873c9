import { expect, it } from 'vitest'
import type { Address } from '../../../src/base/address.ts'
import type { Log } from '../../../src/base/log.ts'
import { GroupDiscovery } from '../../../src/discovery/group-discovery.ts'
import { linkDefaults } from '../../../src/discovery/redis-link.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A discovery whose provider gives what the test puts into `answer`; nothing is watched. */
function stage(): {
  answer: readonly Address[] | Error
  readonly clock: VirtualClock
  readonly lists: (readonly Address[])[]
  readonly lines: string[]
  readonly discovery: GroupDiscovery
} {
  const clock = new VirtualClock()
  const lists: (readonly Address[])[] = []
  const lines: string[] = []
  const write = (fields: object, text: string): void => {
    lines.push(`${text} ${JSON.stringify(fields)}`)
  }
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const provider = {
    current: () => {
      const { answer } = it
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve([...answer])
    },
    close: () => undefined,
  }
  const discovery = new GroupDiscovery(
    {
      group: 'mm',
      provider,
      sentinelLink: linkDefaults,
      nodeLink: linkDefaults,
      addressMap: new Map(),
      pollIntervalMs: 1_000,
      providerIntervalMs: 10_000,
    },
    {
      clock,
      wall: () => 0,
      log,
      onEvidence: (evidence) => {
        if (evidence.kind === 'configured') lists.push(evidence.sentinels)
      },
    },
  )
  const it = { answer: [] as readonly Address[] | Error, clock, lists, lines, discovery }
  return it
}

const a = { host: 'a', port: 1 }
const b = { host: 'b', port: 2 }

it('the provider is asked at every interval', async () => {
  const asked = stage()
  asked.answer = [a]
  asked.discovery.start()
  await asked.clock.pass(9_000)
  asked.answer = [b]
  await asked.clock.pass(2_000)
  expect(asked.lists).toEqual([[a], [b]])
  asked.discovery.close()
})

it('one that fails takes nothing away, is asked again soon, and its trouble is told once', async () => {
  const asked = stage()
  asked.answer = [a]
  asked.discovery.start()
  await asked.clock.pass(9_000)
  asked.answer = new Error('NXDOMAIN')
  await asked.clock.pass(60_000)
  expect(asked.lists).toEqual([[a]])
  expect(asked.lines).toEqual([
    'the sentinels were not found; those known stay in force {"reason":"NXDOMAIN"}',
  ])
  asked.answer = [b]
  await asked.clock.pass(1_000)
  expect(asked.lists).toEqual([[a], [b]])
  expect(asked.lines.slice(1)).toEqual(['the sentinels are found again {}'])
  asked.discovery.close()
})

it('closed, it asks no more and says nothing', async () => {
  const asked = stage()
  asked.answer = new Error('NXDOMAIN')
  asked.discovery.start()
  asked.discovery.close()
  await asked.clock.pass(60_000)
  expect(asked.lines).toEqual([])
  expect(asked.clock.waiting).toBe(0)
})
