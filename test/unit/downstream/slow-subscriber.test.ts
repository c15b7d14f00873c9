import { expect, test } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, seen, type KitOptions } from './session-kit.ts'

watchLeaks()

const mb = 1_000_000
const message = Buffer.alloc(mb, 'm')

/** A client on a link of its own that has stopped reading. */
async function deaf(request: string, reply: string, limits: KitOptions['limits'] = {}) {
  const on = await kit({ limits: { outputPauseBytes: mb, ...limits } })
  const client = await on.client()
  client.send(request)
  const lease = await on.lease(request === 'MONITOR' ? 0 : 1)
  if (reply !== '') {
    lease.answer(reply)
    await client.hears(reply)
  }
  client.socket.pause()
  /** Messages until `condition` holds. */
  const flood = async (condition: () => boolean): Promise<number> => {
    let sent = 0
    while (!condition() && sent < 500) {
      lease.owner?.onPush(message, 0, message.length, true)
      sent++
      await turns(2)
    }
    return sent
  }
  return { on, client, lease, flood }
}

test('a subscriber that does not read is closed at its limit; its link is read on until then', async () => {
  const subscribed = '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n'
  const { on, lease, flood } = await deaf('SUBSCRIBE c', subscribed, { outputLimitBytes: 30 * mb })
  const sent = await flood(() => on.closed.length > 0)
  expect([on.closed, lease.pauses, lease.released]).toEqual([['output-limit'], 0, 'dirty'])
  expect(sent).toBeGreaterThan(30)
})

test('a stream without end (MONITOR, a dump) waits for its client instead', async () => {
  const { on, client, lease, flood } = await deaf('MONITOR', '', { outputLimitBytes: 500 * mb })
  await flood(() => lease.pauses > 0)
  expect([on.closed, lease.pauses > 0]).toEqual([[], true])
  client.socket.resume()
  await seen(() => lease.pauses === 0)
})
