import { expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, seen } from './session-kit.ts'

watchLeaks()

test('policy close: a write in doubt closes its client, and the reason says so', async () => {
  const on = await kit({ gate: { inDoubt: 'close' } })
  const client = await on.client()
  client.send('INCR n')
  await on.lane(client)
  on.lose()
  await seen(() => client.ended)
  expect([on.closed, client.heard]).toEqual([['in-doubt'], ''])
})

test('half of a reply is another reason', async () => {
  const on = await kit()
  const client = await on.client()
  client.send('GET large')
  const lane = await on.lane(client)
  lane.inFlight[0]?.onReply(Buffer.from('$9\r\nhalf'), 0, 8, false)
  lane.cut(new ProxyError('LINK_LOST', 'cut'), true)
  await seen(() => client.ended)
  expect(on.closed).toEqual(['half-reply'])
})

test('what waits for a new link in vain is refused, and counted once', async () => {
  const on = await kit()
  const client = await on.client()
  client.send('BLPOP q 0')
  await on.lease()
  on.lose()
  await turns(5)
  expect(client.heard).toBe('')
  on.clock.advance(1_000)
  await seen(() => client.heard.startsWith('-MASTERDOWN'))
  await turns(5)
  expect(on.counters.refused).toMatchObject({ 'hold-window': 1, 'lease-limit': 0 })
})

test('a WAIT that the crash cuts short is told so as by a server, and is in no doubt', async () => {
  const on = await kit()
  const client = await on.client()
  client.send('WAIT 1 0')
  await on.lease()
  on.lose()
  await on.recover()
  await client.hears(
    '-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n',
  )
  expect(on.current.leases.at(-1)?.inFlight).toEqual([])
})
