import { expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import type { Exchange, Lease, LeaseOwner } from '../../../src/dispatcher.ts'
import { Call, plainState } from '../support/call.ts'
import type { FakeGeneration, FakeLink } from '../support/fake-generation.ts'
import { turns } from '../support/virtual-clock.ts'
import { gateKit, windowMs, type GateKit } from './gate-kit.ts'

class Owner implements LeaseOwner {
  lost: Exchange[] | null = null
  isPush = (): boolean => false
  onPush = (): void => undefined
  onLeaseLost(_cause: ProxyError, survivors: Exchange[]): void {
    expect(this.lost).toBeNull()
    this.lost = survivors
  }
}

interface Leased extends GateKit {
  readonly generation: FakeGeneration
  readonly owner: Owner
  readonly lease: Lease
  readonly link: FakeLink
}

async function leased(): Promise<Leased> {
  const kit = gateKit()
  const generation = kit.next()
  kit.gate.admit(generation)
  await turns()
  const owner = new Owner()
  const lease = await kit.gate.lease(plainState, 'watch', owner)
  const link = generation.leases[0]
  if (link === undefined) throw new Error('no link was leased')
  return { ...kit, generation, owner, lease, link }
}

test('a lease waits for a master, and is told when there is none', async () => {
  const { gate, clock, next } = gateKit()
  const first = gate.lease(plainState, 'watch', new Owner())
  const generation = next()
  gate.admit(generation)
  await expect(first).resolves.toBeDefined()
  gate.hold('link-lost')
  const second = gate.lease(plainState, 'watch', new Owner())
  const told = expect(second).rejects.toMatchObject({ code: 'MASTERDOWN' })
  await clock.pass(windowMs)
  await told
  await expect(gate.lease(plainState, 'watch', new Owner())).rejects.toMatchObject({
    code: 'MASTERDOWN',
  })
  expect(clock.waiting).toBe(0)
})

test('who waits for a link when all ends is told so, once', async () => {
  const { gate, next } = gateKit()
  const generation = next()
  generation.grantsAtOnce = false
  gate.admit(generation)
  await turns()
  const lease = gate.lease(plainState, 'watch', new Owner())
  const told = expect(lease).rejects.toMatchObject({ code: 'MASTERDOWN' })
  await turns()
  let asked = 0
  const ask = generation.lease.bind(generation)
  generation.lease = (...given) => {
    if (++asked > 10) throw new Error('asked again and again')
    return ask(...given)
  }
  generation.destroy(new ProxyError('SHUTDOWN'))
  await told
  expect(asked).toBe(0)
})

test('a link that comes when its master is left already is given back, and another taken', async () => {
  const { gate, next } = gateKit()
  const old = next()
  old.grantsAtOnce = false
  gate.admit(old)
  await turns()
  const lease = gate.lease(plainState, 'watch', new Owner())
  await turns()
  gate.hold('switch')
  old.grant()
  await turns()
  expect(old.leases.map((link) => link.closed)).toEqual([true])
  old.destroy(new ProxyError('LINK_LOST'))
  const fresh = next()
  gate.admit(fresh)
  await lease
  expect(fresh.leases).toHaveLength(1)
})

test('commands wait in order while the gate holds, and go to the same link', async () => {
  const { gate, generation, lease, link } = await leased()
  gate.hold('failover')
  const calls = [1, 2].map((n) => new Call(`SET k ${n}`))
  for (const call of calls) expect(lease.dispatch(call)).toBe(false)
  let drained = 0
  lease.onDrain(() => drained++)
  await turns()
  expect([gate.queue.count, link.inFlight.length, drained]).toEqual([2, 0, 0])
  gate.admit(generation)
  await turns()
  expect(link.inFlight).toEqual(calls)
  expect([gate.queue.count, gate.queue.bytes, drained]).toEqual([0, 0, 1])
})

test('commands that waited too long are refused, and the client is read again', async () => {
  const { gate, clock, lease } = await leased()
  gate.hold('failover')
  const call = new Call('SET k v')
  lease.dispatch(call)
  let drained = 0
  lease.onDrain(() => drained++)
  await clock.pass(windowMs)
  expect([call.told, drained, gate.queue.count]).toEqual(['MASTERDOWN unsent', 1, 0])
})

test('when the link dies, what may be sent again comes back in order', async () => {
  const { gate, lease, link, owner } = await leased()
  const calls = ['GET a', 'INCR b', 'GET c', 'INCR d', 'INCR e'].map((text) => new Call(text))
  for (const call of calls.slice(0, 3)) lease.dispatch(call)
  link.flush()
  for (const call of calls.slice(3, 4)) lease.dispatch(call)
  gate.hold('failover')
  for (const call of calls.slice(4)) lease.dispatch(call)
  link.cut()
  expect(owner.lost).toEqual([calls[0], calls[2], calls[3], calls[4]])
  expect(calls[1]?.told).toBe('INDOUBT in-doubt')
  expect([gate.queue.count, gate.queue.bytes]).toEqual([0, 0])
})

test('a refusal on a lease comes back once all that was sent has been answered', async () => {
  const { lease, link, owner } = await leased()
  const calls = ['SET a 1', 'GET a', 'SET b 2'].map((text) => new Call(text))
  for (const call of calls) lease.dispatch(call)
  link.flush()
  link.answer('-READONLY no\r\n')
  link.answer('$-1\r\n')
  expect(owner.lost).toBeNull()
  link.answer('-READONLY no\r\n')
  expect(owner.lost).toEqual(calls)
  expect(calls.map((call) => call.told)).toEqual(['', '', ''])
})

test('parts of an upload that come in a hold stop the client, and go on afterwards', async () => {
  const { gate, generation, lease, link } = await leased()
  const part = Buffer.from('part')
  gate.hold('failover')
  expect(lease.pipe(part, 0, 4)).toBe(false)
  let drained = 0
  lease.onDrain(() => drained++)
  await turns(2)
  expect([link.piped, drained]).toEqual(['', 0])
  gate.admit(generation)
  await turns()
  expect([link.piped, drained]).toEqual(['part', 1])
})

test('a lease that is given back is forgotten, and closed when it is not clean', async () => {
  const { gate, generation, lease, link, owner } = await leased()
  gate.hold('failover')
  const call = new Call('SET k v')
  lease.dispatch(call)
  lease.release(false)
  lease.release(true)
  expect([link.closed, call.abandoned, gate.queue.count]).toEqual([true, true, 0])
  gate.admit(generation)
  await turns()
  expect([link.inFlight.length, owner.lost]).toEqual([0, null])
})
