import { expect, test } from 'vitest'
import { StallGuard } from '../../../src/failover/stall-guard.ts'
import { Call } from '../support/call.ts'
import { following, second } from './follower-kit.ts'

const longestMs = 600

async function guarded() {
  const stage = await following()
  const asked: string[] = []
  const guard = new StallGuard(
    stage.follower,
    (token) => asked.push(token),
    () => longestMs,
  )
  const stall = (): Call => {
    stage.clock.stall(30_000)
    guard.stalled()
    const call = new Call('SET k v')
    stage.gate.dispatch(call)
    return call
  }
  return { stage, asked, guard, stall }
}

test('nothing goes to the master until the monitor has looked since; then the same one goes on', async () => {
  const { stage, asked, guard, stall } = await guarded()
  const call = stall()
  await stage.clock.pass(longestMs - 1)
  expect([stage.state, asked.length, stage.generation(1).verifications]).toEqual(['holding', 1, 0])
  guard.looked('of another reader')
  await stage.settle()
  expect(stage.state).toBe('holding')
  guard.looked(asked[0] ?? '')
  await stage.settle()
  expect([stage.state, stage.events]).toEqual(['open', ['resume 1']])
  expect(stage.generation(1).lane(0).inFlight).toEqual([call])
})

test('what came meanwhile goes to the master that was promoted meanwhile', async () => {
  const { stage, stall } = await guarded()
  const call = stall()
  await stage.clock.pass(20)
  stage.follower.follow(second)
  await stage.settle()
  expect([stage.state, stage.follower.holds]).toEqual(['open', []])
  expect(stage.generation(1).lane(0).inFlight).toEqual([])
  expect(stage.generation(2).lane(0).inFlight).toEqual([call])
})

test('without a monitor it is over soon, and the same master goes on', async () => {
  const { stage, stall } = await guarded()
  stage.isViewLive = false
  stall()
  await stage.clock.pass(longestMs - 1)
  expect(stage.state).toBe('holding')
  await stage.clock.pass(1)
  expect([stage.state, stage.events]).toEqual(['open', ['resume 1']])
})

test('a monitor that is heard again is asked again, as long as that is of use', async () => {
  const { stage, asked, guard, stall } = await guarded()
  guard.askAgain()
  expect(asked).toEqual([])
  stall()
  guard.askAgain()
  expect(asked).toHaveLength(2)
  guard.looked(asked[1] ?? '')
  await stage.settle()
  expect(stage.state).toBe('open')
  guard.askAgain()
  expect(asked).toHaveLength(2)
})

test('a look of an earlier stall says nothing of this one', async () => {
  const { stage, asked, guard, stall } = await guarded()
  stall()
  guard.stalled()
  guard.looked(asked[0] ?? '')
  await stage.settle()
  expect(stage.state).toBe('holding')
  guard.looked(asked[1] ?? '')
  await stage.settle()
  expect(stage.state).toBe('open')
})

test('the announced hold of a failover goes on when the look is done', async () => {
  const { stage, asked, guard, stall } = await guarded()
  stall()
  stage.follower.hold('7', 'failover', 10_000)
  guard.looked(asked[0] ?? '')
  await stage.settle()
  expect([stage.state, stage.follower.holds]).toEqual(['holding', ['7']])
})

test('its end is kept, though a timer set behind a stall counts from before it', async () => {
  const { stage, stall } = await guarded()
  const { clock } = stage
  const after = clock.after.bind(clock)
  clock.after = (ms, fn) => after(ms - 30_000, fn)
  stall()
  clock.after = after
  await clock.pass(longestMs - 1)
  expect(stage.state).toBe('holding')
  await clock.pass(1)
  expect(stage.state).toBe('open')
})
