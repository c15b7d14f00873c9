import { expect, test } from 'vitest'

import { failoverStage } from '../support/failover-suite.ts'
import { OldMasterWatch } from '../support/old-master-watch.ts'
import { RawClient } from '../support/raw-client.ts'
import { faultOf } from '../support/resp.ts'
import { TARGET } from '../support/target.ts'
import { until } from '../support/until.ts'

const stage = failoverStage({ group: { nodeConfig: ['enable-debug-command yes'] } })

test.runIf(TARGET === 'proxy')(
  '72. the old master, started again and a master for some seconds, receives nothing',
  async () => {
    const { group, target } = stage()
    const client = await RawClient.connect(target.port, { patience: 20_000 })
    try {
      expect(await client.command('SET', 'n', 0)).toBe('OK')
      const before = await group.killMaster()
      await group.switched(before)
      await before.restart()
      expect(await before.info('replication', 'role')).toBe('master')
      const watch = await OldMasterWatch.start(before)
      try {
        const demoted = async (): Promise<boolean> => {
          const reply = await client.command('INCR', 'n')
          expect(typeof reply).toBe('number')
          expect(await watch.strays()).toEqual([])
          return (await before.info('replication', 'role')) === 'slave'
        }
        await until(demoted, { within: 40_000, what: 'Sentinel to demote the old master' })
      } finally {
        await watch.stop()
      }
    } finally {
      await client.destroy()
    }
  },
  90_000,
)

test.runIf(TARGET === 'proxy')(
  '85. a command that kills the master is not sent to the next one',
  async () => {
    const { group, target } = stage()
    await group.whole(40_000)
    const client = await RawClient.connect(target.port, { patience: 20_000 })
    try {
      const before = await group.master()
      const reply = await client.command('DEBUG', 'SEGFAULT')
      expect(faultOf(reply)).toMatch(/^INDOUBT /)
      const after = await group.switched(before)
      expect(await client.command('SET', 'k', 'v')).toBe('OK')
      expect(after.running).toBe(true)
      expect(await after.info('commandstats', 'cmdstat_debug')).toBe('')
    } finally {
      await client.destroy()
    }
  },
  90_000,
)
