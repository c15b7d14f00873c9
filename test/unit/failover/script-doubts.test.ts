import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { Call } from '../support/call.ts'
import { turns } from '../support/virtual-clock.ts'
import { gateKit, windowMs } from './gate-kit.ts'

const refusal =
  "-READONLY You can't write against a read only replica. script: abc, on @user_script:1.\r\n"

/** A script that was answered with `refusal`, with these behind it on the link. */
async function doubted(...behind: readonly string[]) {
  const kit = gateKit()
  const master = kit.next()
  kit.gate.admit(master)
  await turns()
  const script = new Call('EVAL s 0')
  const others = behind.map((request) => new Call(request))
  for (const call of [script, ...others]) kit.gate.dispatch(call)
  const link = master.lane(0)
  link.flush()
  link.answer(refusal)
  return { ...kit, master, link, script, others }
}

describe('a script that is answered as by a node that is no master', () => {
  test('waits, and the node is looked at', async () => {
    const { gate, heard, script } = await doubted()
    expect([script.told, gate.state, heard.symptoms]).toEqual([
      '',
      expect.objectContaining({ name: 'holding', reason: 'script' }),
      ['script 1'],
    ])
  })

  test('is sent again, in its place, when another master is found', async () => {
    const { gate, heard, link, master, next, script, others } = await doubted('SET k 2', 'GET k')
    link.answer('-READONLY no\r\n')
    link.answer('$1\r\n0\r\n')
    master.destroy(new ProxyError('LINK_LOST', 'the master moved'))
    const second = next()
    gate.admit(second)
    await turns()
    const lane = second.lane(0)
    lane.flush()
    expect(lane.inFlight).toEqual([script, ...others])
    lane.answer(':1\r\n')
    expect([script.told, heard.replays]).toEqual([':1\r\n', ['refused', 'refused', 'refused']])
  })

  test('gets its own words when the master is the same, and nothing runs twice', async () => {
    const { gate, heard, link, master, script, others } = await doubted('SET k 2', 'GET k')
    gate.admit(master)
    expect(script.told).toBe(refusal)
    link.answer('+OK\r\n')
    link.answer('$1\r\n2\r\n')
    await turns()
    expect(others.map(({ told }) => told)).toEqual(['+OK\r\n', '$1\r\n2\r\n'])
    expect([link.inFlight, gate.queue.count, heard.replays]).toEqual([[], 0, []])
  })

  test('is believed to have said it itself for a while after', async () => {
    const { gate, clock, heard, link, master } = await doubted()
    gate.admit(master)
    await turns()
    const told: string[] = []
    for (const wait of [4_999, 1]) {
      clock.advance(wait)
      const again = new Call('EVALSHA s 0')
      gate.dispatch(again)
      link.flush()
      link.answer(refusal)
      told.push(again.told)
    }
    expect([told, heard.symptoms]).toEqual([
      [refusal, ''],
      ['script 1', 'script 1'],
    ])
  })

  test('is not told that it did not run when the window is over: nobody knows that', async () => {
    const { clock, heard, script } = await doubted()
    clock.advance(windowMs)
    expect([script.told, heard.refused]).toEqual([refusal, []])
  })

  test('is dropped when its client leaves', async () => {
    const { gate, master, next, script } = await doubted()
    script.abandoned = true
    master.destroy(new ProxyError('LINK_LOST', 'the master moved'))
    const second = next()
    gate.admit(second)
    await turns()
    expect([second.lane(0).inFlight, script.told]).toEqual([[], ''])
  })

  test('an ordinary error of a script is passed on', async () => {
    const { gate, link, script, master } = await doubted()
    gate.admit(master)
    await turns()
    const other = new Call('FCALL f 0')
    gate.dispatch(other)
    link.flush()
    link.answer('-ERR no\r\n')
    expect([other.told, gate.state.name, script.told]).toEqual(['-ERR no\r\n', 'open', refusal])
  })

  test('one whose bytes were not kept is passed on', async () => {
    const { gate, next } = gateKit()
    const master = next()
    gate.admit(master)
    await turns()
    const script = new Call('EVAL s 0', { body: 'received' })
    gate.dispatch(script)
    master.lane(0).flush()
    master.lane(0).answer(refusal)
    expect([script.told, gate.state.name]).toEqual([refusal, 'open'])
  })
})
