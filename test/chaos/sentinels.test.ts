import { expect, test } from 'vitest'

import {
  chaosStages,
  expectUnharmed,
  groupState,
  stateWhere,
  underLoad,
} from '../support/chaos-stage.ts'
import type { ChaosStage, GroupState } from '../support/chaos-stage.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { askAll } from '../support/sentinel-group.ts'
import { until } from '../support/until.ts'

/** Sentinels that fall silent, alone or all of them. */
const { open } = chaosStages()

function stateOf({ view }: GroupState, sentinel: RedisServer): string {
  return view.sentinels.find(({ address }) => address.port === sentinel.port)?.state ?? 'unknown'
}

async function onNewMaster(stage: ChaosStage, before: RedisServer): Promise<GroupState> {
  const isNew = ({ gate, upstream }: GroupState): boolean =>
    gate.name === 'open' && upstream !== null && upstream !== `127.0.0.1:${before.port}`
  return stateWhere(stage, 'the clients to be on a new master', isNew, 20_000)
}

test('scenario 8: every subscription at the sentinels is lost just before the failover', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const report = await underLoad(stage, 'deaf', async (ledger) => {
    const killAll = (): Promise<unknown> =>
      askAll(group.sentinels, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
    await killAll()
    await group.requestFailover()
    const isDone = async (): Promise<boolean> => {
      await killAll()
      return (await groupState(stage)).upstream !== `127.0.0.1:${before.port}`
    }
    await until(isDone, { within: 20_000, every: 10, what: 'the polls to see it' })
    await onNewMaster(stage, before)
    ledger.markSwitch()
    await group.switched(before)
  })
  expectUnharmed(report)
})

test('scenario 9: a sentinel that we listen to hangs: its silence is noticed, the others suffice', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const [asked, hung, third] = group.sentinels
  if (asked === undefined || hung === undefined || third === undefined) throw new Error('three')
  await stateWhere(stage, 'all to be listened to', ({ subscribed }) => subscribed.length === 3)
  const report = await underLoad(stage, 'half-open', async (ledger) => {
    hung.signal('SIGSTOP')
    await stateWhere(
      stage,
      'its silence to be noticed',
      (state) => stateOf(state, hung) === 'unreachable' && state.subscribed.length === 2,
    )
    expect(await asked.command('SENTINEL', 'FAILOVER', group.name)).toBe('OK')
    await onNewMaster(stage, before)
    ledger.markSwitch()
    await ledger.progress(1_000)
    hung.signal('SIGCONT')
    await group.switched(before)
    await stateWhere(stage, 'it to be listened to', ({ subscribed }) => subscribed.length === 3)
  })
  expectUnharmed(report)
})

test('scenario 18: all sentinels are killed: clients are served on, and it is told', async () => {
  const stage = await open()
  const { group, proxy } = stage
  const before = await groupState(stage)
  const report = await underLoad(stage, 'orphans', async (ledger) => {
    await Promise.all(group.sentinels.map((sentinel) => sentinel.kill()))
    const state = await stateWhere(stage, 'all to be unreachable', ({ view }) =>
      view.sentinels.every((each) => each.state === 'unreachable'),
    )
    const isOld = async (): Promise<boolean> =>
      (await proxy.metric('switchmaster_discovery_age_seconds')) > 3
    await until(isOld, { within: 15_000, every: 100, what: 'the age of what is known to be shown' })
    await ledger.progress(3_000)
    expect(state.gate.name).toBe('open')
    expect((await groupState(stage)).generation).toBe(before.generation)
    for (const sentinel of group.sentinels) await sentinel.start()
    await stateWhere(stage, 'all to be well', ({ view }) =>
      view.sentinels.every((each) => each.state === 'ok'),
    )
  })
  expectUnharmed(report)
})

test('scenario 26: a sentinel in TILT has no vote', async () => {
  const stage = await open()
  const { group } = stage
  const before = await group.master()
  const [asked, tilted] = group.sentinels
  if (asked === undefined || tilted === undefined) throw new Error('two')
  const report = await underLoad(stage, 'tilt', async (ledger) => {
    tilted.signal('SIGSTOP')
    // Its clock jumps: more than two seconds between two looks at it are a TILT.
    const frozenAt = performance.now()
    await until(() => performance.now() - frozenAt > 3_000, { within: 4_000, what: '3 s to pass' })
    tilted.signal('SIGCONT')
    await stateWhere(stage, 'its TILT to be seen', (state) => stateOf(state, tilted) === 'tilt')
    expect(await asked.command('SENTINEL', 'FAILOVER', group.name)).toBe('OK')
    const { view } = await onNewMaster(stage, before)
    ledger.markSwitch()
    expect(view.why).toContain(`ignored: 127.0.0.1:${tilted.port} (tilt)`)
    expect(stateOf(await groupState(stage), tilted)).toBe('tilt')
    await group.switched(before)
    await stateWhere(stage, 'it to be heard', (state) => stateOf(state, tilted) === 'ok', 45_000)
  })
  expectUnharmed(report)
}, 120_000)
