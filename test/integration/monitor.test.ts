import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { GROUP, until } from './monitor-group.ts'
import { eventAt, messageAt } from './monitor-recorder.ts'
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

describe('the monitor and a real group', () => {
  it('finds the master, the replicas and the sentinels', async () => {
    await until('a view at the reader', () => stage.followed.at(-1)?.view.master ?? null)
    await stage.settled(2)
    expect(stage.view().master?.port).toBe(stage.group.nodes[0]?.port)
    expect(stage.view().sentinels.map(({ address }) => address)).toEqual(
      stage.group.sentinelAddresses(),
    )
    expect(stage.view().runId).toMatch(/^[0-9a-f]{40}$/)
    expect(stage.view().downAfterMs).toBe(1_000)
    expect(stage.view().why).toMatch(/3 of 3 sentinels/)
  })

  it('asks the sentinels anew for a reader that wants to know of now', async () => {
    const polls = (): number =>
      stage.recorded.seen.filter(({ evidence }) => evidence.kind === 'poll').length
    const before = polls()
    stage.client.send({ type: 'look', group: GROUP, token: 'now' })
    await until('the look to be done', () => stage.looked.includes('now'))
    expect(polls()).toBeGreaterThanOrEqual(before + 2)
  })

  it('scenarios 4 and 7: SENTINEL FAILOVER: held before the promotion, switched at +promoted-slave', async () => {
    await stage.settled(1)
    const since = await stage.forceFailover()
    const switchedAt = await until('the switch', () => messageAt(stage.recorded, 'switch', since))
    const at = async (name: string): Promise<number> =>
      until(name, () => eventAt(stage.recorded, name, since), 30_000)
    const heldAt = stage.heldSince(since)
    const sent = await at('+failover-state-send-slaveof-noone')
    const promoted = await at('+promoted-slave')
    const { master } = stage.view()
    const official = await until('+switch-master', () => stage.announcedAt(master, since), 30_000)
    expect(heldAt).toBeLessThan(sent)
    expect(switchedAt).toBeGreaterThanOrEqual(promoted)
    expect(switchedAt - promoted).toBeLessThan(100)
    expect(switchedAt).toBeLessThan(official)
    expect(await stage.roleOf(stage.view().master)).toBe('master')
    expect(stage.switchesSince(since)).toBe(1)
    console.info(
      `SENTINEL FAILOVER: hold ${(heldAt - since).toFixed(1)} ms after the command, ` +
        `${(sent - heldAt).toFixed(1)} ms before SLAVEOF NO ONE is sent; ` +
        `switch ${(switchedAt - promoted).toFixed(1)} ms after +promoted-slave, ` +
        `${(official - switchedAt).toFixed(1)} ms before the first +switch-master`,
    )
  })

  it('scenario 8: every subscription is killed again and again: polls see it', async () => {
    await stage.settled(1)
    const killAll = async (): Promise<void> => {
      for (const sentinel of stage.group.sentinels) {
        await stage.group.call(sentinel, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
      }
    }
    // At the nodes only ours, else the hello channel would tell; the sentinels need theirs.
    const killHellos = async (): Promise<void> => {
      for (const node of stage.group.nodes) {
        const list = await stage.group
          .call(node, 'CLIENT', 'LIST', 'TYPE', 'pubsub')
          .catch(() => '')
        for (const line of String(list).split('\n')) {
          const id = /^id=(\d+) .*name=switchmaster-monitor /.exec(line)?.[1]
          if (id !== undefined)
            await stage.group.call(node, 'CLIENT', 'KILL', 'ID', id).catch(() => null)
        }
      }
    }
    await killAll()
    const since = await stage.forceFailover()
    const switchedAt = await until('the switch', async () => {
      await Promise.all([killAll(), killHellos()])
      return messageAt(stage.recorded, 'switch', since)
    })
    const heldAt = stage.heldSince(since)
    expect(heldAt).toBeLessThan(switchedAt)
    expect(await stage.roleOf(stage.view().master)).toBe('master')
    console.info(
      `no subscription: hold ${(heldAt - since).toFixed(0)} ms after the command, switch after ${(switchedAt - since).toFixed(0)} ms`,
    )
  })

  it('scenario 5: FAILOVER without Sentinel: followed in less than 2 s, ahead of the sentinels', async () => {
    await stage.settled(1)
    const node = stage.masterNode()
    await until('the replica is connected', async () => {
      const role = await stage.group.call(node, 'ROLE')
      return Array.isArray(role) && Array.isArray(role[2]) && role[2].length > 0
    })
    const since = performance.now()
    expect(await stage.group.call(node, 'FAILOVER')).toBe('OK')
    const switchedAt = await until('the switch', () => messageAt(stage.recorded, 'switch', since))
    expect(switchedAt - since).toBeLessThan(2_000)
    expect(stage.view().provisional).toBe(true)
    expect(await stage.roleOf(stage.view().master)).toBe('master')
    console.info(`FAILOVER: switch ${(switchedAt - since).toFixed(0)} ms after the command`)
  })

  it('scenario 14: SENTINEL RESET on all of them: nothing', async () => {
    const since = performance.now()
    const { master, configEpoch } = stage.view()
    for (const sentinel of stage.group.sentinels) {
      expect(await stage.group.call(sentinel, 'SENTINEL', 'RESET', '*')).toBe(1)
    }
    await until('the event is seen', () => eventAt(stage.recorded, '+reset-master', since))
    const reset = performance.now()
    await until('all were asked again, in full', () => {
      const polls = stage.recorded.seen.filter(
        ({ at, evidence }) => at > reset && evidence.kind === 'poll',
      )
      const full = polls.filter(
        ({ evidence }) => evidence.kind === 'poll' && evidence.peers !== null,
      )
      return full.length >= 3
    })
    expect(stage.view()).toMatchObject({ master, configEpoch, epochRestart: false })
    expect(stage.switchesSince(since)).toBe(0)
    expect(stage.view().sentinels).toHaveLength(3)
    expect(stage.view().replicas.length).toBeGreaterThan(0)
  })

  it('scenario 18: all sentinels killed: the view is kept and named stale', async () => {
    const { master, configEpoch } = stage.view()
    const since = performance.now()
    for (const sentinel of stage.group.sentinels) stage.group.signal(sentinel, 'SIGKILL')
    await until('all are unreachable', () =>
      stage.view().sentinels.every(({ state }) => state === 'unreachable'),
    )
    await until('the age grows', () => (stage.client.discoveryAgeMs(GROUP) ?? 0) > 2_000)
    expect(stage.view()).toMatchObject({ master, configEpoch })
    expect(stage.followed.at(-1)?.view.master).toEqual(master)
    expect(stage.switchesSince(since)).toBe(0)
  })

  it('and finds them when they are back', async () => {
    const { master } = stage.view()
    for (const sentinel of stage.group.sentinels) stage.group.restart(sentinel)
    await until('all are heard', () =>
      stage.view().sentinels.every(({ state }) => state === 'ok' || state === 'stale'),
    )
    expect(stage.view().master).toEqual(master)
    await until('a small age', () => (stage.client.discoveryAgeMs(GROUP) ?? Infinity) < 2_000)
  })
})
