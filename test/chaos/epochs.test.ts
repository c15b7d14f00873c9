import { expect, test } from 'vitest'

import {
  chaosStages,
  expectUnharmed,
  groupState,
  stateWhere,
  toldOnce,
  underLoad,
} from '../support/chaos-stage.ts'
import { DelayedSentinel } from '../support/delayed-sentinel.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'
import { SentinelEvents, portIn } from '../support/sentinel-events.ts'
import { askAll, startSentinelGroup } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** What sentinels say late, say anew, or cannot say: who is believed. */
const { open, own } = chaosStages()

test('scenario 7: only the leader can be reached and a replica hangs: switched at the promotion', async () => {
  const stage = await open({ groupOptions: { failoverTimeoutMs: 20_000 } })
  const { group } = stage
  const [leader, ...others] = group.sentinels
  if (leader === undefined) throw new Error('no sentinel')
  const before = await group.master()
  const events = own(await SentinelEvents.listen([leader]))
  const report = await underLoad(stage, 'leader-only', async (ledger) => {
    for (const sentinel of others) sentinel.signal('SIGSTOP')
    // The one that is not chosen hangs before it can be told of the new master.
    events.onEvent = (event) => {
      if (event.name !== '+selected-slave') return
      for (const node of group.replicas) if (node.port !== portIn(event)) node.signal('SIGSTOP')
    }
    expect(await leader.command('SENTINEL', 'FAILOVER', group.name)).toBe('OK')
    const promoted = await events.first('+promoted-slave')
    await stateWhere(
      stage,
      'the clients to be on the new master',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${portIn(promoted)}`,
      1_000,
    )
    ledger.markSwitch()
    expect(events.seen.filter(({ name }) => name === '+switch-master')).toEqual([])
    const watch = own(await OldMasterWatch.start(before))
    await ledger.progress(1_000)
    expect(await watch.strays()).toEqual([])
    for (const server of [...others, ...group.replicas]) server.signal('SIGCONT')
    await group.switched(before, 60_000)
  })
  expectUnharmed(report)
}, 120_000)

test('scenario 10: a sentinel that slept through the failover is not heard until it knows better', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const sleeper = group.sentinels[2]
  if (sleeper === undefined) throw new Error('no third sentinel')
  const heard = new Set<string>()
  const report = await underLoad(stage, 'sleeper', async (ledger) => {
    sleeper.signal('SIGSTOP')
    const sleeps = (): Promise<unknown> =>
      stateWhere(stage, 'the sleeper to be missed', ({ view }) => stateOf(view) === 'unreachable')
    await sleeps()
    const [first] = group.sentinels
    expect(await first?.command('SENTINEL', 'FAILOVER', group.name)).toBe('OK')
    const { upstream, generation } = await stateWhere(
      stage,
      'the switch',
      ({ gate, upstream: to }) => gate.name === 'open' && to !== `127.0.0.1:${before.port}`,
      20_000,
    )
    ledger.markSwitch()
    const watch = own(await OldMasterWatch.start(before))
    sleeper.signal('SIGCONT')
    const caughtUp = async (): Promise<boolean> => {
      const state = await groupState(stage)
      heard.add(stateOf(state.view))
      expect(state).toMatchObject({ upstream, generation })
      return stateOf(state.view) === 'ok'
    }
    await until(caughtUp, { within: 60_000, every: 50, what: 'the sleeper to be well again' })
    expect(await watch.strays()).toEqual([])
    await group.switched(before)
  })
  // Its TILT covers the time in which it still names the old master.
  expect([...heard].some((state) => state === 'tilt' || state === 'stale')).toBe(true)
  expectUnharmed(report)

  function stateOf({ sentinels }: Awaited<ReturnType<typeof groupState>>['view']): string {
    return sentinels.find(({ address }) => address.port === sleeper?.port)?.state ?? 'unknown'
  }
}, 120_000)

test('scenario 12: A to B to A while one sentinel is behind: what it says late is of the past', async () => {
  const group = own(await startSentinelGroup())
  const real = group.sentinels[2]
  if (real === undefined) throw new Error('no third sentinel')
  const delayed = own(await DelayedSentinel.start(real, group.name))
  const list = [...group.sentinels.slice(0, 2), delayed].map(({ port }) => `127.0.0.1:${port}`)
  const map = `127.0.0.1:${real.port}=127.0.0.1:${delayed.port}`
  const stage = await open({ group, sentinels: list.join(','), args: ['--address-map', map] })
  const a = await group.master()
  const report = await underLoad(stage, 'there-and-back', async (ledger) => {
    const b = await group.sentinelFailover()
    ledger.markSwitch()
    // From here on it answers as it would have done now.
    await delayed.catchUp()
    await group.whole(40_000)
    for (const node of group.nodes) {
      const priority = node === a ? 1 : 100
      await node.command('CONFIG', 'SET', 'replica-priority', priority)
    }
    await knowsPriorities()
    expect(await group.sentinelFailover()).toBe(a)
    ledger.markSwitch()
    const { generation } = await stateWhere(
      stage,
      'the clients to be on A again',
      ({ gate, upstream }) => gate.name === 'open' && upstream === `127.0.0.1:${a.port}`,
    )
    const { view } = await stateWhere(stage, 'the delayed one to be stale', (state) =>
      state.view.sentinels.some(
        (each) => each.address.port === delayed.port && each.state === 'stale',
      ),
    )
    const watch = own(await OldMasterWatch.start(b))
    delayed.publish('+switch-master', `${group.name} 127.0.0.1 ${a.port} 127.0.0.1 ${b.port}`)
    delayed.publish('+promoted-slave', instance(b.port, a.port))
    delayed.publish('+elected-leader', `master ${group.name} 127.0.0.1 ${a.port}`)
    await ledger.progress(3_000)
    const after = await groupState(stage)
    expect(after.view).toMatchObject({ master: view.master, configEpoch: view.configEpoch })
    expect(after.upstream).toBe(`127.0.0.1:${a.port}`)
    expect(after.generation).toBe(generation)
    expect(await watch.strays()).toEqual([])
  })
  expectUnharmed(report)

  function instance(port: number, masterPort: number): string {
    return `slave 127.0.0.1:${port} 127.0.0.1 ${port} @ ${group.name} 127.0.0.1 ${masterPort}`
  }

  async function knowsPriorities(): Promise<void> {
    const told = async (): Promise<boolean> => {
      const lists = await askAll(group.sentinels, 'SENTINEL', 'REPLICAS', group.name)
      return lists.every((each) => JSON.stringify(each).includes('"slave-priority","1"'))
    }
    await until(told, { within: 25_000, every: 200, what: 'the sentinels to know the priorities' })
  }
}, 150_000)

test('scenario 13: the sentinels count epochs anew: nothing happens, and failovers are followed', async () => {
  const stage = await open()
  const { group } = stage
  const report = await underLoad(stage, 'anew', async (ledger) => {
    await group.sentinelFailover()
    ledger.markSwitch()
    await group.whole(40_000)
    const master = group.knownMaster
    const { generation } = await stateWhere(
      stage,
      'the switch',
      ({ view }) => view.configEpoch > 0 && view.master?.port === master.port,
    )
    for (const sentinel of group.sentinels) await sentinel.command('SENTINEL', 'REMOVE', group.name)
    for (const sentinel of group.sentinels) {
      await sentinel.command('SENTINEL', 'MONITOR', group.name, '127.0.0.1', master.port, 2)
      await sentinel.command('SENTINEL', 'SET', group.name, 'down-after-milliseconds', 1_000)
      await sentinel.command('SENTINEL', 'SET', group.name, 'failover-timeout', 10_000)
    }
    await stateWhere(stage, 'the restart to be followed', ({ view }) => view.epochRestart)
    await ledger.progress(1_000)
    expect((await groupState(stage)).generation).toBe(generation)
    await toldOnce(stage, 'the sentinels count config-epochs anew')
    await group.whole(40_000)
    const after = await group.sentinelFailover()
    ledger.markSwitch()
    await stateWhere(
      stage,
      'the next failover to be followed',
      ({ upstream }) => upstream === `127.0.0.1:${after.port}`,
    )
  })
  expectUnharmed(report)
}, 150_000)

test('scenario 14: SENTINEL RESET on all sentinels: nothing happens to clients', async () => {
  const stage = await open()
  const { group } = stage
  const before = await groupState(stage)
  const report = await underLoad(stage, 'reset', async (ledger) => {
    for (let round = 0; round < 3; round += 1) {
      expect(await askAll(group.sentinels, 'SENTINEL', 'RESET', '*')).toEqual([1, 1, 1])
      await ledger.progress(2_000)
    }
    const { upstream, generation, gate } = await groupState(stage)
    expect({ upstream, generation, gate: gate.name }).toEqual({
      upstream: before.upstream,
      generation: before.generation,
      gate: 'open',
    })
    await group.whole(40_000)
    await group.sentinelFailover()
    ledger.markSwitch()
  })
  expectUnharmed(report)
}, 120_000)
