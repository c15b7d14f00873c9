import { expect, test } from 'vitest'

import { failoverStage } from '../support/failover-suite.ts'
import { RawClient } from '../support/raw-client.ts'
import { TARGET } from '../support/target.ts'
import { until } from '../support/until.ts'

const args = ['--pool-mode', 'dedicated']
const stage = failoverStage({ group: { replicas: 1, sentinels: 1, downAfterMs: 10_000 }, args })

async function connected(): Promise<number> {
  return Number(await stage().group.knownMaster.info('clients', 'connected_clients'))
}

test.runIf(TARGET === 'proxy')(
  'pool mode dedicated: each client has a link of its own, and it goes with the client',
  async () => {
    const { target } = stage()
    const before = await connected()
    const clients = await Promise.all(
      Array.from({ length: 30 }, () => RawClient.connect(target.port)),
    )
    try {
      await Promise.all(clients.map((each, n) => each.command('SELECT', n % 3)))
      await Promise.all(clients.map((each, n) => each.command('SET', `own:${n}`, n)))
      expect(await connected()).toBeGreaterThanOrEqual(before + 30)
      const ids = await Promise.all(clients.map((each) => each.command('GET', 'own:0')))
      expect(ids.filter((value) => value === '0')).toHaveLength(10)
    } finally {
      await Promise.all(clients.map((each) => each.destroy()))
    }
    const isOver = async (): Promise<boolean> => (await connected()) < before + 10
    await until(isOver, { within: 5_000, what: 'the links to go' })
  },
)
