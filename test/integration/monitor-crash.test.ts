import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sameAddress } from '../../src/base/address.ts'
import { until } from './monitor-group.ts'
import { messageAt } from './monitor-recorder.ts'
import { openStage } from './monitor-stage.ts'
import type { Stage } from './monitor-stage.ts'

vi.setConfig({ testTimeout: 40_000, hookTimeout: 30_000 })

/** One group, lived through from start to end: the tests are the chapters, in order. */
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})

afterAll(async () => {
  await stage.close()
})

describe('the monitor and a crash', () => {
  it('scenarios 1 and 10: kill -9 of the master with one sentinel frozen: hold, then the right node', async () => {
    const frozen = stage.group.sentinels[2]
    if (frozen === undefined) throw new Error('no third sentinel')
    await stage.settled(2)
    const old = stage.view()
    stage.group.signal(frozen, 'SIGSTOP')
    const since = performance.now()
    stage.group.signal(stage.masterNode(), 'SIGKILL')
    const switchedAt = await until(
      'the switch',
      () => messageAt(stage.recorded, 'switch', since),
      20_000,
    )
    const heldAt = stage.heldSince(since)
    expect(heldAt).toBeLessThan(switchedAt)
    expect(stage.view().configEpoch).toBeGreaterThan(old.configEpoch)
    expect(sameAddress(stage.view().master, old.master)).toBe(false)
    expect(await stage.roleOf(stage.view().master)).toBe('master')
    const last = stage.followed.findLast(({ switched }) => switched)
    expect(last?.view.master).toEqual(stage.view().master)
    console.info(
      `kill -9: hold after ${(heldAt - since).toFixed(0)} ms, switch after ${(switchedAt - since).toFixed(0)} ms`,
    )
    const state = (): string | undefined =>
      stage.view().sentinels.find(({ address }) => address.port === frozen.port)?.state
    await until('the frozen one is not counted', () => state() !== 'ok')
    stage.group.signal(frozen, 'SIGCONT')
    await until('its TILT is seen', () => state() === 'tilt', 5_000)
    expect(stage.switchesSince(since)).toBe(1)
  })
})
