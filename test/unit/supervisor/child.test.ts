import { beforeEach, describe, expect, test } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Child, type ChildEnd, type ChildHandle } from '../../../src/supervisor/child.ts'
import type { Order, Word } from '../../../src/supervisor/part.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A process that says and suffers what the test wants. */
class FakeProcess implements ChildHandle {
  readonly pid: number
  readonly heard: Order[] = []
  say: (word: Word) => void = () => undefined
  end: (end: ChildEnd) => void = () => undefined

  constructor(pid: number) {
    this.pid = pid
  }

  send(order: Order): void {
    this.heard.push(order)
  }
  kill(): void {
    // It ends when the test says so.
  }
  onWord(fn: (word: Word) => void): void {
    this.say = fn
  }
  onExit(fn: (end: ChildEnd) => void): void {
    this.end = fn
  }
}

const refused = { status: null, signal: null, failure: 'spawn node EAGAIN' }
const killed = { status: null, signal: 'SIGKILL', failure: null }

let clock: VirtualClock
let launched: FakeProcess[]
/** What a launch throws; null: it launches. */
let obstacle: Error | null
let attempts: number
let child: Child

beforeEach(() => {
  clock = new VirtualClock()
  launched = []
  obstacle = null
  attempts = 0
  child = new Child({
    name: 'monitor',
    launch: () => {
      attempts++
      if (obstacle !== null) throw obstacle
      const process = new FakeProcess(100 + attempts)
      launched.push(process)
      return process
    },
    order: {
      kind: 'start',
      config: loadConfig({}),
      seat: { feedPath: '/f', worker: 0, workers: 1 },
    },
    log: silentLogger,
    clock,
    onEnd: () => undefined,
    onReport: () => undefined,
  })
})

function newest(): FakeProcess {
  const process = launched.at(-1)
  if (process === undefined) throw new Error('nothing was launched')
  return process
}

async function startSoundly(): Promise<void> {
  const started = child.start()
  newest().say({ kind: 'hello' })
  newest().say({ kind: 'started', verbs: [] })
  await started
  expect(newest().heard.map(({ kind }) => kind)).toEqual(['start'])
}

describe('a first start', () => {
  test('that the system refuses says why', async () => {
    obstacle = new Error('spawn ENOMEM')
    const error = new ProxyError('REFUSED', 'monitor cannot run: spawn ENOMEM')
    await expect(child.start()).rejects.toEqual(error)
    expect(child.pid).toBeNull()
    await child.stop(1_000)
    expect(clock.waiting).toBe(0)
  })

  test('of a process that never ran says why', async () => {
    const started = child.start()
    newest().end(refused)
    await expect(started).rejects.toThrow('monitor cannot run: spawn node EAGAIN')
    await child.stop(1_000)
    expect(clock.waiting).toBe(0)
  })
})

describe('a new start', () => {
  test('that fails is tried again, each time later', async () => {
    await startSoundly()
    newest().end(killed)
    obstacle = new Error('spawn ENOMEM')
    clock.advance(100)
    expect([attempts, child.restarts]).toEqual([2, 1])
    obstacle = null
    clock.advance(199)
    expect(attempts).toBe(2)
    clock.advance(1)
    expect(attempts).toBe(3)
    newest().end(refused)
    expect(child.pid).toBeNull()
    clock.advance(400)
    expect([attempts, child.restarts, child.pid]).toEqual([4, 3, 104])
    expect(clock.waiting).toBe(1) // only the deadline of this start
  })

  test('is not made any more once its end is expected', async () => {
    await startSoundly()
    obstacle = new Error('spawn ENOMEM')
    newest().end(killed)
    clock.advance(100)
    await child.stop(1_000)
    expect([attempts, clock.waiting]).toEqual([2, 0])
  })
})
