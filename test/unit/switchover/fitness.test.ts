import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import { lacks, promotable } from '../../../src/switchover/fitness.ts'
import type { NodeState } from '../../../src/switchover/fitness.ts'
import type { ReplicaInfo } from '../../../src/topology/view.ts'

function at(port: number): Address {
  const address = parseAddress(`10.0.0.1:${port}`)
  if (address === null) throw new Error('no address')
  return address
}

function replica(port: number, more: Partial<ReplicaInfo> = {}): ReplicaInfo {
  const plain = { runId: String(port), flags: 'slave', linkUp: true, priority: 100, offset: 500 }
  return { address: at(port), ...plain, ...more }
}

describe('promotable', () => {
  test.each<[string, readonly ReplicaInfo[], readonly number[]]>([
    ['the lower priority first', [replica(1), replica(2, { priority: 10 })], [2, 1]],
    ['then the greater offset', [replica(1), replica(2, { offset: 501 })], [2, 1]],
    ['then the lower run_id', [replica(2), replica(1)], [1, 2]],
    ['never priority 0', [replica(1, { priority: 0 })], []],
    ['never one that is down', [replica(1, { flags: 's_down,slave' }), replica(2)], [2]],
    ['never one without a link to the sentinel', [replica(1, { flags: 'slave,disconnected' })], []],
    ['also one that has lost its master: it may be chosen', [replica(1, { linkUp: false })], [1]],
  ])('%s', (_what, replicas, ports) => {
    expect(promotable(replicas).map(({ address }) => address.port)).toEqual(ports)
  })
})

describe('lacks', () => {
  const master = { replId: 'aaaa', offset: 1_000 }
  const well: NodeState & { isAsked: true } = {
    ...{ isAsked: true, role: 'slave', replId: 'aaaa' },
    ...{ offset: 1_000, linkUp: true, runId: 'r' },
  }
  test.each<[string | null, NodeState]>([
    [null, well],
    [null, { ...well, offset: 1_014 }],
    ['10.0.0.1:7 is 1 bytes behind', { ...well, offset: 999 }],
    ['10.0.0.1:7 has no link to its master', { ...well, linkUp: false }],
    ['10.0.0.1:7 replicates another history', { ...well, replId: 'bbbb' }],
    ['10.0.0.1:7 says that it is a master', { ...well, role: 'master' }],
    ['10.0.0.1:7 cannot be asked: refused', { isAsked: false, reason: 'refused' }],
  ])('%s', (reason, state) => {
    expect(lacks(at(7), state, master)).toBe(reason)
  })
})
