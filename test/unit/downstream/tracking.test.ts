import { describe, expect, test } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import type { FakeLink } from '../support/fake-generation.ts'
import { turns } from '../support/virtual-clock.ts'
import { kit, seen, wire, type Client, type Kit } from './session-kit.ts'

watchLeaks()

const flushMessage = '*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n'
const confirmation = '*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n'

interface Pair {
  readonly on: Kit
  readonly tracker: Client
  readonly hearer: Client
}

/** A client that redirects its invalidations to another, which listens. */
async function pair(first: 'tracker' | 'hearer', more = ''): Promise<Pair> {
  const on = await kit()
  const tracker = await on.client()
  const hearer = await on.client()
  if (first === 'tracker') {
    tracker.send('CLIENT NO-EVICT ON') // it has a link before the other has one
    ;(await on.lease()).answer('+OK\r\n')
    await tracker.hears('+OK\r\n')
  }
  hearer.send('SUBSCRIBE __redis__:invalidate')
  ;(await on.lease()).answer(confirmation)
  await hearer.hears(confirmation)
  tracker.send(`CLIENT TRACKING ON REDIRECT ${hearer.session.id}${more}`)
  const link = await linkWith(on, /TRACKING/)
  link.answer('+OK\r\n')
  await tracker.hears('+OK\r\n')
  return { on, tracker, hearer }
}

/** The exclusive link that carries such a command, once there is one. */
async function linkWith(on: Kit, pattern: RegExp): Promise<FakeLink> {
  const find = (): FakeLink | undefined =>
    on.current.leases.find((each) => !each.closed && wire(each).some((text) => pattern.test(text)))
  await seen(() => find() !== undefined)
  const found = find()
  if (found === undefined) throw new Error('no such link')
  found.flush()
  return found
}

function number(client: Client): number {
  return client.session.pin.serverId
}

describe('both links are lost', () => {
  test.each(['tracker', 'hearer'] as const)(
    'and the %s is the first to have another: armed once, with the number of the other’s new one',
    async (first) => {
      const { on, tracker, hearer } = await pair(first)
      on.lose()
      await on.recover()
      const link = await linkWith(on, /TRACKING/)
      expect(wire(link).filter((text) => text.includes('TRACKING'))).toEqual([
        `CLIENT TRACKING ON REDIRECT ${number(hearer)}`,
      ])
      while (link.inFlight.length > 0) link.answer('+OK\r\n')
      await hearer.hears(flushMessage)
      await turns(5)
      expect([hearer.heard, on.closed]).toEqual(['', []])
      tracker.send('CLIENT GETREDIR')
      const asked = await linkWith(on, /GETREDIR/)
      asked.answer(`:${number(hearer)}\r\n`)
      await tracker.hears(`:${hearer.session.id}\r\n`)
    },
  )

  test('within a transaction: armed before what is queued again, and not once more behind it', async () => {
    const { on, tracker, hearer } = await pair('hearer')
    tracker.send('MULTI')
    ;(await linkWith(on, /MULTI/)).answer('+OK\r\n')
    await tracker.hears('+OK\r\n')
    on.lose()
    await on.recover()
    const link = await linkWith(on, /TRACKING/)
    expect(wire(link)).toEqual([`CLIENT TRACKING ON REDIRECT ${number(hearer)}`, 'MULTI'])
    link.answer('+OK\r\n')
    link.answer('+OK\r\n')
    await hearer.hears(flushMessage)
    tracker.send('EXEC')
    ;(await linkWith(on, /EXEC/)).answer('*0\r\n')
    await tracker.hears('*0\r\n')
    await turns(5)
    expect(wire(link)).toEqual([])
  })

  test('and the hearer leaves before it has another: only the tracker is told', async () => {
    const { on, tracker, hearer } = await pair('tracker')
    on.lose()
    hearer.socket.resetAndDestroy()
    await seen(() => on.closed.length === 1)
    await on.recover()
    await seen(() => number(tracker) !== 0)
    await turns(5)
    expect([on.closed, tracker.session.reasons]).toEqual([['client'], ['no-evict']])
  })

  test('and the hearer leaves when only the tracker has another: the tracker is told', async () => {
    const { on, tracker, hearer } = await pair('tracker')
    on.lose()
    const recovered = on.recover()
    on.current.grantsAtOnce = false
    await recovered
    on.current.grant()
    await seen(() => number(tracker) !== 0)
    hearer.socket.resetAndDestroy()
    await seen(() => on.closed.length === 1)
    expect(tracker.session.reasons).toEqual(['no-evict'])
    on.current.grant()
  })
})

describe('the link of the hearer is lost', () => {
  test('within a transaction of the tracker: armed behind it', async () => {
    const { on, tracker, hearer } = await pair('hearer')
    tracker.send('MULTI')
    const link = await linkWith(on, /MULTI/)
    link.answer('+OK\r\n')
    await tracker.hears('+OK\r\n')
    on.current.leases.find((each) => each !== link && !each.closed)?.cut()
    on.gate.admit(on.current)
    await seen(() => number(hearer) > 102)
    await turns(5)
    expect(wire(link)).toEqual([])
    tracker.send('EXEC')
    await seen(() => wire(link).length === 1)
    link.flush()
    link.answer('*0\r\n')
    await tracker.hears('*0\r\n')
    await seen(() => wire(link).length === 1)
    expect(wire(link)).toEqual([`CLIENT TRACKING ON REDIRECT ${number(hearer)}`])
  })

  test('of a broadcast: prefixes may not be given twice, so it is turned off before', async () => {
    const { on, hearer } = await pair('hearer', ' BCAST PREFIX redirect PREFIX 1')
    const link = on.current.leases[1]
    on.current.leases[0]?.cut()
    on.gate.admit(on.current)
    await seen(() => link !== undefined && wire(link).length === 2)
    expect(link === undefined ? [] : wire(link)).toEqual([
      'CLIENT TRACKING OFF',
      `CLIENT TRACKING ON REDIRECT ${number(hearer)} BCAST PREFIX redirect PREFIX 1`,
    ])
  })
})

test('the link of a hearer is kept as long as somebody redirects to it, RESET or not', async () => {
  const on = await kit()
  const [tracker, hearer] = [await on.client(), await on.client()]
  tracker.send(`CLIENT TRACKING ON REDIRECT ${hearer.session.id}`)
  const link = await linkWith(on, /TRACKING/)
  link.answer('+OK\r\n')
  await tracker.hears('+OK\r\n')
  expect([hearer.session.reasons, hearer.heard]).toEqual([['redirect'], ''])
  hearer.send('RESET')
  ;(await linkWith(on, /RESET/)).answer('+RESET\r\n')
  await hearer.hears('+RESET\r\n')
  expect(hearer.session.reasons).toEqual(['redirect'])
  tracker.send('CLIENT TRACKING OFF')
  ;(await linkWith(on, /OFF/)).answer('+OK\r\n')
  await tracker.hears('+OK\r\n')
  expect([hearer.session.reasons, hearer.session.pin.held]).toEqual([[], false])
})

test('a hearer for whom no link is to be had: only the tracker hears of it', async () => {
  const on = await kit()
  const [tracker, hearer] = [await on.client(), await on.client()]
  tracker.send('CLIENT NO-EVICT ON')
  ;(await on.lease()).answer('+OK\r\n')
  await tracker.hears('+OK\r\n')
  on.current.grantsAtOnce = false
  tracker.send(`CLIENT TRACKING ON REDIRECT ${hearer.session.id}`, 'GET k')
  await turns(5)
  hearer.socket.resetAndDestroy()
  const link = await linkWith(on, /TRACKING/)
  expect(wire(link)).toEqual(['CLIENT TRACKING ON REDIRECT 1000000000000'])
})

test('a flush waits for the end of a message that is being passed on in parts', async () => {
  const { on, hearer } = await pair('hearer')
  const message = Buffer.from('*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nlong\r\n')
  hearer.session.pin.onPush(message, 0, 20, false)
  on.current.leases[1]?.cut()
  on.gate.admit(on.current)
  const link = await linkWith(on, /TRACKING/)
  link.answer('+OK\r\n')
  await turns(5)
  hearer.session.pin.onPush(message, 20, message.length, true)
  await hearer.hears(`${message.toString()}${flushMessage}`)
})

test('a message that is cut in its middle: what follows would be read as its rest', async () => {
  const { on, hearer } = await pair('hearer')
  hearer.session.pin.onPush(Buffer.from('*3\r\n$7\r\nmess'), 0, 12, false)
  on.current.leases[0]?.cut()
  await seen(() => hearer.ended)
  expect(on.closed).toEqual(['half-reply'])
})
