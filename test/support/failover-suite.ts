import { afterAll, beforeAll } from 'vitest'

import { watchLeaks } from './leaks.ts'
import { Ledger } from './ledger/ledger.ts'
import type { LedgerOptions } from './ledger/ledger.ts'
import { ioredisClient, nodeRedisClient } from './ledger/libraries.ts'
import { startSentinelGroup } from './sentinel-group.ts'
import type { SentinelGroup, SentinelGroupOptions } from './sentinel-group.ts'
import { openTarget, showLogsOnFailure } from './target.ts'
import type { Target } from './target.ts'

export interface FailoverStage {
  readonly group: SentinelGroup
  readonly target: Target
}

export interface FailoverOptions {
  readonly group?: SentinelGroupOptions
  readonly mode?: 'up' | 'split'
  readonly workers?: number
  readonly args?: readonly string[]
}

/** A whole group and a target in front of it, for the tests of one file. */
export function failoverStage(options: FailoverOptions = {}): () => FailoverStage {
  let group: SentinelGroup | undefined
  let target: Target | undefined
  watchLeaks()
  showLogsOnFailure(() => target)
  beforeAll(async () => {
    group = await startSentinelGroup(options.group)
    const { mode = 'up', workers = 1, args = [] } = options
    target = await openTarget(group, { mode, workers, args })
  }, 90_000)
  afterAll(async () => {
    await target?.stop()
    await group?.stop()
  }, 30_000)
  return () => {
    if (group === undefined || target === undefined) throw new Error('the stage is not set')
    return { group, target }
  }
}

/** 200 connections: seven kinds of raw clients and twenty of the two libraries. */
export const MIXED: LedgerOptions['clients'] = {
  setGet: 40,
  incr: 40,
  pipeline: 20,
  multi: 20,
  lua: 20,
  list: 10,
  channel: 10,
}

/** Most writes that it can have on the wire: five in a pipeline, one in any other client. */
export const MIXED_WRITES = 20 * 5 + 40 + 40 + 20 + 20 + 10 + 10 + 20

export function mixedLedger(options: Omit<LedgerOptions, 'clients'>): Ledger {
  const ledger = new Ledger({ ...options, clients: MIXED })
  for (let n = 0; n < 10; n += 1) {
    ledger.add(ioredisClient(`ioredis${n}`, ledger.context))
    ledger.add(nodeRedisClient(`node-redis${n}`, ledger.context))
  }
  return ledger
}
