import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../src/base/errors.ts'
import type { Arbiter, Exchange, Identity } from '../../src/dispatcher.ts'
import { ScriptMemory } from '../../src/downstream/script-memory.ts'
import { loadScripts } from '../../src/group-scripts.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { FakeGeneration } from './support/fake-generation.ts'
import { turns, VirtualClock } from './support/virtual-clock.ts'

const nobody: Identity = { name: 'default', auth: null }
const user: Identity = { name: 'u', auth: [Buffer.from('u'), Buffer.from('pw')] }
const name = `$40\r\n${'a'.repeat(40)}\r\n`

const arbiter: Arbiter = {
  takesBack: () => false,
  doubts: () => false,
  takesBackScript: () => undefined,
  onLost: (exchange, cause, fate) => {
    exchange.onLost(cause, fate)
  },
  onLinkLost: () => undefined,
  onIdentityRefused: () => undefined,
}

/** A new master, and the loading of so many scripts on it. */
function loading(count: number, own: Identity = nobody, wantsAuth = false) {
  const clock = new VirtualClock()
  const scripts = new ScriptMemory(1_000_000)
  for (let i = 0; i < count; i++) scripts.remember(Buffer.from(`return ${i}`), user)
  const generation = Object.assign(new FakeGeneration(2, arbiter), { wantsAuth })
  const asked: Exchange[] = []
  generation.onSend = (exchange) => asked.push(exchange)
  const done = loadScripts(generation, scripts, own, clock, silentLogger)
  return { clock, generation, asked, done, link: generation.lane(0) }
}

/** The bodies that were sent, in order. */
function sent(asked: readonly Exchange[]): string[] {
  return asked.map(({ bytes }) => /return \d+/.exec(Buffer.from(bytes).toString())?.[0] ?? '')
}

describe('scripts on a new master', () => {
  test('nothing is asked where nothing is remembered', async () => {
    const { done, asked } = loading(0)
    await done
    expect(asked).toEqual([])
  })

  test('are sent behind one another, the one used last first, a bounded number at once', async () => {
    const { done, asked, link } = loading(100)
    expect(sent(asked)).toEqual(Array.from({ length: 64 }, (_, i) => `return ${99 - i}`))
    link.flush()
    while (link.answer(name));
    await turns()
    expect(asked).toHaveLength(100)
    link.flush()
    while (link.answer(name));
    expect(await done).toEqual({ loaded: 100, refused: 0, why: null })
  })

  test('without the right for SCRIPT: counted, and no harm', async () => {
    const { done, link } = loading(3)
    link.flush()
    link.answer(name)
    while (link.answer("-NOPERM no permissions to run 'script|load'\r\n"));
    const why = "NOPERM no permissions to run 'script|load'"
    expect(await done).toEqual({ loaded: 1, refused: 2, why })
  })

  test('a master that does not answer is not waited for without end', async () => {
    const { done, clock, asked } = loading(100)
    await clock.pass(999)
    let isDone = false
    void done.then(() => (isDone = true))
    await turns()
    expect(isDone).toBe(false)
    await clock.pass(1)
    expect(await done).toMatchObject({ loaded: 0, why: 'not within 1000 ms' })
    expect(asked).toHaveLength(64)
  })

  test('a lost link is no exception', async () => {
    const { done, link } = loading(2)
    link.cut(new ProxyError('LINK_LOST', 'gone'))
    expect(await done).toEqual({ loaded: 0, refused: 2, why: 'gone' })
  })

  test.each([
    ['nobody, no AUTH wanted', nobody, false, 'default'],
    ['nobody, AUTH wanted', nobody, true, 'u'],
    ['a user of its own', { name: 'own', auth: [Buffer.from('x')] }, true, 'own'],
  ])('%s: loaded by %s', (_what, own, wantsAuth, expected) => {
    const { asked, generation } = loading(1, own, wantsAuth)
    expect(asked.map(({ state, via }) => [state.identity.name, via])).toEqual([
      [expected, 'control'],
    ])
    generation.destroy(new ProxyError('FENCED'))
  })
})
