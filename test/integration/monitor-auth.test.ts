import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startGroup, until } from './monitor-group.ts'
import type { TestGroup } from './monitor-group.ts'
import { record } from './monitor-recorder.ts'

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 })

/** Scenario 24: sentinels and nodes that want a password. */
let group: TestGroup
const right = { password: 'open-sesame' }
const wrong = { username: 'default', password: 'open-barley' }

beforeAll(async () => {
  group = await startGroup({ downAfterMs: 1_000, failoverTimeoutMs: 10_000, ...right })
})

afterAll(async () => {
  await group.stop()
})

describe('passwords', () => {
  it('the right ones: the group is followed', async () => {
    const { monitor } = await record(group, { sentinelAuth: right, nodeAuth: right })
    await until('a master', () => monitor.view().master)
    await until('its process', () => monitor.view().runId)
    await monitor.close()
  })

  it('a wrong one for the sentinels: said once for each connection, with the reason', async () => {
    const { monitor, lines } = await record(group, { sentinelAuth: wrong, nodeAuth: right })
    const refusals = (): string[] => lines.filter((line) => line.includes('WRONGPASS'))
    await until('the refusals', () => refusals().length >= 6)
    const before = refusals().length
    const attempts = JSON.stringify(monitor.describe())
    await until('more attempts', () => JSON.stringify(monitor.describe()) !== attempts)
    expect(refusals().length).toBe(before)
    expect(monitor.view().master).toBeNull()
    await monitor.close()
  })

  it('a wrong one for the nodes: no master, and an alarm that says why', async () => {
    const { monitor, lines } = await record(group, { sentinelAuth: right, nodeAuth: wrong })
    await until('the alarm', () => lines.some((line) => /cannot be asked: .*WRONGPASS/.test(line)))
    expect(monitor.view().master).toBeNull()
    await monitor.close()
  })

  it('none for the nodes: a majority of the sentinels has to do', async () => {
    const { monitor } = await record(group, { sentinelAuth: right })
    await until('a master', () => monitor.view().master)
    expect(monitor.view().runId).toBeNull()
    await monitor.close()
  })
})
