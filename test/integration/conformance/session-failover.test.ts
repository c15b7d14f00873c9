import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { watchLeaks } from '../../support/leaks.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode, faultOf } from '../../support/resp.ts'
import { startSentinelGroup } from '../../support/sentinel-group.ts'
import type { SentinelGroup } from '../../support/sentinel-group.ts'
import { TARGET, openTarget, showLogsOnFailure } from '../../support/target.ts'
import type { Target } from '../../support/target.ts'
import { until } from '../../support/until.ts'

let group: SentinelGroup
let target: Target | undefined

watchLeaks()
showLogsOnFailure(() => target)
beforeAll(async () => {
  group = await startSentinelGroup()
  target = await openTarget(group)
}, 60_000)
afterAll(async () => {
  await target?.stop()
  await group.stop()
}, 30_000)

function port(): number {
  if (target === undefined) throw new Error('no target')
  return target.port
}

test('62. SHUTDOWN ends the server it was sent to and is never sent to the next', async () => {
  await group.whole()
  const before = await group.master()
  const client = await RawClient.connect(port())
  try {
    await client.send(encode('SHUTDOWN', 'NOSAVE'))
    expect((await client.rest(10_000)).toString()).toBe('')
    await until(() => !before.running, { within: 5_000, what: 'the server to end' })
    const after = await group.switched(before)
    expect(await after.info('commandstats', 'cmdstat_shutdown')).toBe('')
    expect(group.nodes.filter((node) => node.running)).toHaveLength(2)
  } finally {
    await client.destroy()
    await before.restart()
  }
}, 60_000)

describe.runIf(TARGET === 'proxy')('over a change of master', () => {
  test('25. WAIT is never satisfied by a master that has not seen the writes', async () => {
    await group.whole(40_000)
    const client = await RawClient.connect(port(), { patience: 20_000 })
    try {
      expect(await client.command('SET', 'k', '1')).toBe('OK')
      await group.sentinelFailover()
      const reply = await client.command('WAIT', 1, 100)
      expect(faultOf(reply)).toMatch(/^UNBLOCKED force unblock from blocking operation/)
      expect(await client.command('SET', 'k', '2')).toBe('OK')
      expect(faultOf(await client.command('WAIT', 0, 100))).toBe('')
    } finally {
      await client.destroy()
    }
  }, 90_000)

  test('12. CLIENT ID, db, name and RESP version are the same afterwards', async () => {
    await group.whole(40_000)
    const client = await RawClient.connect(port(), { patience: 20_000 })
    try {
      await client.command('HELLO', 3, 'SETNAME', 'me')
      await client.command('SELECT', 5)
      const id = await client.command('CLIENT', 'ID')
      const before = await group.killMaster()
      const answered = client.command('SET', 'k', 'of-5')
      const after = await group.switched(before)
      expect(await answered).toBe('OK')
      expect(await client.command('CLIENT', 'ID')).toBe(id)
      expect(await client.command('CLIENT', 'GETNAME')).toBe('me')
      await client.send(encode('GET', 'missing'))
      expect(String((await client.frames(1))[0])).toBe('_\r\n')
      await after.command('SELECT', 5)
      expect(await after.command('GET', 'k')).toBe('of-5')
      await after.command('SELECT', 0)
    } finally {
      await client.destroy()
    }
  }, 90_000)
})
