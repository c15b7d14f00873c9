import { expect, test } from 'vitest'
import { deferred } from '../../../src/base/deferred.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import { first, following, graceMs, second } from './follower-kit.ts'

test('a new master is made ready before the gate opens; the same one again is not', async () => {
  const stage = await following()
  const ready = deferred<null>()
  const made: number[] = []
  stage.prepare = (generation) => {
    made.push(generation.number)
    return ready.promise
  }
  stage.follower.follow(second)
  await stage.clock.pass(graceMs)
  expect([stage.state, made, stage.generation(1).destroyed?.code]).toEqual([
    'holding',
    [2],
    'FENCED',
  ])
  ready.resolve(null)
  await stage.settle()
  expect([stage.state, stage.events]).toEqual(['open', ['switch 1 2']])
  stage.gate.hold('link-lost')
  stage.follower.symptom('link-lost', stage.generation(2))
  await stage.settle()
  expect([stage.state, made, stage.events.at(-1)]).toEqual(['open', [2], 'resume 2'])
})

test('a master that is named no more while it is made ready is not opened to', async () => {
  const stage = await following()
  const ready = deferred<null>()
  stage.prepare = ({ number }) => (number === 2 ? ready.promise : Promise.resolve())
  stage.follower.follow(second)
  await stage.settle()
  stage.follower.follow(first)
  ready.resolve(null)
  await stage.settle()
  expect([stage.generation(2).destroyed?.code, stage.events]).toEqual(['FENCED', ['switch 1 3']])
})

test('without a monitor, another process at the same address is left alone; a new master is not', async () => {
  const stage = await following()
  stage.isViewLive = false
  stage.gate.hold('link-lost')
  stage.follower.symptom('link-lost', stage.generation(1))
  await stage.settle()
  expect([stage.state, stage.events]).toEqual(['open', ['resume 1']]) // the very same process
  stage.generation(1).verdict = () => Promise.reject(new ProxyError('NOT_MASTER', 'another server'))
  stage.gate.hold('link-lost')
  stage.follower.symptom('link-lost', stage.generation(1))
  await stage.clock.pass(900)
  expect([stage.state, stage.opened.length]).toEqual(['holding', 1])
  stage.isViewLive = true
  await stage.clock.pass(500)
  expect([stage.state, stage.opened.length]).toEqual(['open', 2])
  stage.isViewLive = false
  stage.follower.follow(second)
  await stage.clock.pass(500)
  expect([stage.state, stage.generation(3).address]).toEqual(['open', '10.0.0.2:6379'])
})
