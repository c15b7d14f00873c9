import { describe, expect, it } from 'vitest'
import { changesBetween } from '../../../src/topology/changes.ts'
import { emptyView } from '../../../src/topology/view.ts'
import type { View } from '../../../src/topology/view.ts'
import { a, b, replica, s1, s2 } from './vote-kit.ts'

const base: View = {
  ...emptyView('mm'),
  master: a,
  runId: 'one',
  configEpoch: 3,
  replicas: [replica(b)],
  sentinels: [{ address: s1, runId: null, state: 'ok', lastSeenMs: 1 }],
  downAfterMs: 1_000,
}

describe('changesBetween', () => {
  it.each<[string, Partial<View>, readonly string[]]>([
    ['nothing', {}, []],
    ['the version and the reason alone', { version: 9, why: 'x', decidedAt: 9 }, []],
    ['another master', { master: b, configEpoch: 4 }, ['master', 'epoch']],
    ['another process', { runId: 'two' }, ['run-id']],
    ['counted anew', { configEpoch: 0 }, ['epoch-restart']],
    ['a replica less', { replicas: [] }, ['replica-removed']],
    ['a replica more', { replicas: [replica(b), replica(a)] }, ['replica-added']],
    ['a replica down', { replicas: [{ ...replica(b), flags: 's_down' }] }, ['replica-changed']],
    ['an offset alone', { replicas: [{ ...replica(b), offset: 9 }] }, []],
    [
      'a sentinel for another',
      { sentinels: [{ address: s2, runId: null, state: 'ok', lastSeenMs: 1 }] },
      ['sentinel-added', 'sentinel-removed'],
    ],
    [
      'a sentinel in TILT',
      { sentinels: [{ address: s1, runId: null, state: 'tilt', lastSeenMs: 1 }] },
      ['sentinel-state'],
    ],
    ['settings', { downAfterMs: 2_000 }, ['settings']],
  ])('%s', (_name, change, kinds) => {
    const changes = changesBetween(base, { ...base, ...change })
    expect(changes.map((item) => item.kind)).toEqual(kinds)
  })
})
