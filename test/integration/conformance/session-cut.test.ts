import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { FaultRelay } from '../../support/fault-relay.ts'
import { startRelay } from '../../support/fault-relay.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode } from '../../support/resp.ts'
import { startSentinelGroup } from '../../support/sentinel-group.ts'
import type { SentinelGroup } from '../../support/sentinel-group.ts'
import { POOL_MODE, TARGET, openTarget, showLogsOnFailure } from '../../support/target.ts'
import type { Target } from '../../support/target.ts'
import { until } from '../../support/until.ts'

let group: SentinelGroup
let relay: FaultRelay
let target: Target | undefined

watchLeaks()
showLogsOnFailure(() => target)
beforeAll(async () => {
  group = await startSentinelGroup({ replicas: 0, sentinels: 1, downAfterMs: 60_000 })
  const { port } = group.knownMaster
  relay = await startRelay(port)
  const map = `127.0.0.1:${port}=127.0.0.1:${relay.port}`
  target = await openTarget(group, { args: ['--address-map', map] })
}, 60_000)
afterAll(async () => {
  await target?.stop()
  await relay.stop()
  await group.stop()
}, 30_000)

/** Bytes of the server that have passed on a new link when it is cut: from its greeting to its end. */
const PLACES = Array.from({ length: 40 }, (_, n) => 20 + 3 * n)

describe.runIf(TARGET === 'proxy')('the link of a subscriber is cut', () => {
  test('78. wherever it happens, each confirmation is heard once and none is missing', async () => {
    const confirmation = (name: string, n: number): string =>
      `*3\r\n$9\r\nsubscribe\r\n$1\r\n${name}\r\n:${n}\r\n`
    const all = ['a', 'b', 'c'].map((name, n) => confirmation(name, n + 1))
    const missed: number[] = []
    for (const byte of PLACES) {
      const client = await RawClient.connect(target?.port ?? 0)
      try {
        // so that no other link is made meanwhile; a dedicated client's would be the subscriber's
        if (POOL_MODE !== 'dedicated') await client.command('PING')
        const before = relay.accepted
        relay.rule = { fault: { direction: 'down', byte, action: 'cut' } }
        await client.send(encode('SUBSCRIBE', 'a', 'b', 'c'))
        await until(() => relay.accepted > before, { within: 5_000, every: 1, what: 'a new link' })
        relay.rule = {}
        expect((await client.frames(3)).map(String), `cut behind byte ${byte}`).toEqual(all)
        // a message that the cut itself has met is lost, as to every subscriber
        const heard = async (): Promise<boolean> => {
          await group.knownMaster.command('PUBLISH', 'c', 'm')
          return client.waiting > 0
        }
        await until(heard, { within: 5_000, what: 'a message to be heard' })
        const [next] = await client.frames(1)
        expect(String(next)).toBe('*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n')
        if (relay.accepted === before + 1) missed.push(byte)
      } finally {
        relay.rule = {}
        await client.destroy()
      }
    }
    // most of the places lie within what a link says up to the last confirmation
    expect(missed.length).toBeLessThan(PLACES.length / 3)
  }, 60_000)
})
