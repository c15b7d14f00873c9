import { afterAll, beforeAll } from 'vitest'

import { watchLeaks } from '../leaks.ts'
import { noLeases } from '../leases.ts'
import { startRedis } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { startSentinelGroup } from '../sentinel-group.ts'
import type { SentinelGroup } from '../sentinel-group.ts'
import { openTarget, showLogsOnFailure } from '../target.ts'
import type { Target } from '../target.ts'
import { Fuzz } from './fuzz.ts'
import type { FuzzReport } from './fuzz.ts'

const NODE_CONFIG = ['enable-debug-command yes', 'hz 100']

/** Two equal servers, one behind the product; answers with a function that fuzzes them. */
export function fuzzStage(
  proxyArgs: readonly string[] = [],
): (seed: number, commands: number) => Promise<FuzzReport> {
  let group: SentinelGroup | undefined
  let target: Target | undefined
  let direct: RedisServer | undefined
  watchLeaks()
  showLogsOnFailure(() => target)
  beforeAll(async () => {
    const quiet = { replicas: 0, sentinels: 1, downAfterMs: 60_000 }
    group = await startSentinelGroup({ ...quiet, nodeConfig: NODE_CONFIG })
    target = await openTarget(group, { args: proxyArgs })
    direct = await startRedis({ config: NODE_CONFIG })
  }, 60_000)
  afterAll(async () => {
    await target?.stop()
    await direct?.stop()
    await group?.stop()
  }, 30_000)
  return async (seed, commands) => {
    if (group === undefined || target === undefined || direct === undefined) {
      throw new Error('the stage is not set')
    }
    const master = group.knownMaster
    const proxyPort = target.port
    const fuzz = new Fuzz({ direct, master, proxyPort, seed, clients: 20, commands })
    const report = await fuzz.run()
    console.info(`seed ${seed}: ${report.commands} commands in ${report.steps} steps, all equal`)
    await noLeases(target.proxy)
    return report
  }
}
