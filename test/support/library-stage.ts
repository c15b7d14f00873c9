import { afterEach } from 'vitest'

import { failoverStage } from './failover-suite.ts'
import type { FailoverStage } from './failover-suite.ts'
import { allGivenBack } from './leases.ts'

/**
 * A master and a target for the tests of client libraries. Whatever a test does and however its
 * library does it: when it has closed its connections, no client has a link for itself.
 */
export function libraryStage(): () => FailoverStage {
  const stage = failoverStage({ group: { replicas: 0, sentinels: 1, downAfterMs: 60_000 } })
  afterEach(async () => {
    await allGivenBack(stage().target.proxy)
    await stage().group.knownMaster.command('FLUSHALL')
  })
  return stage
}
