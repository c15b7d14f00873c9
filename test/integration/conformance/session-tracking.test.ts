import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { watchLeaks } from '../../support/leaks.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startSentinelGroup } from '../../support/sentinel-group.ts'
import type { SentinelGroup } from '../../support/sentinel-group.ts'
import { TARGET, openTarget, showLogsOnFailure } from '../../support/target.ts'
import type { Target } from '../../support/target.ts'

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

const FLUSH_MESSAGE = '*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n'
const FLUSH_PUSH = '>2\r\n$10\r\ninvalidate\r\n_\r\n'

/** A client that tracks, the one that hears of it, and one that writes. */
class Trio {
  readonly tracker: RawClient
  readonly hearer: RawClient
  readonly writer: RawClient
  hearerId = 0

  constructor([tracker, hearer, writer]: readonly RawClient[]) {
    if (tracker === undefined || hearer === undefined || writer === undefined)
      throw new Error('three clients')
    this.tracker = tracker
    this.hearer = hearer
    this.writer = writer
  }

  static async open(
    options: {
      readonly trackerResp?: 2 | 3
      readonly hearerResp?: 2 | 3
      readonly more?: string[]
    } = {},
  ): Promise<Trio> {
    const port = target?.port ?? 0
    const clients = [1, 2, 3].map(() => RawClient.connect(port, { patience: 20_000 }))
    const trio = new Trio(await Promise.all(clients))
    const { tracker, hearer } = trio
    if (options.trackerResp === 3) await tracker.command('HELLO', 3)
    if (options.hearerResp === 3) await hearer.command('HELLO', 3)
    trio.hearerId = Number(await hearer.command('CLIENT', 'ID'))
    if (options.hearerResp !== 3) await hearer.command('SUBSCRIBE', '__redis__:invalidate')
    const on = ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', trio.hearerId, ...(options.more ?? [])]
    expect(await tracker.command(...on)).toBe('OK')
    return trio
  }

  /** What was read by the tracker is told to the hearer when it is written, and nothing else is. */
  async works(key: string): Promise<void> {
    await this.tracker.command('GET', key)
    await this.writer.command('SET', key, 'v')
    expect(await this.hears()).toMatch(new RegExp(`invalidate\r\n\\*1\r\n\\$\\d+\r\n${key}\r\n$`))
    expect(await this.tracker.command('CLIENT', 'GETREDIR')).toBe(this.hearerId)
  }

  async hears(): Promise<string> {
    return String((await this.hearer.frames(1))[0])
  }

  async leave(): Promise<void> {
    await Promise.all([this.tracker, this.hearer, this.writer].map((each) => each.destroy()))
  }
}

describe.runIf(TARGET === 'proxy')('CLIENT TRACKING … REDIRECT goes on', () => {
  test.each([
    ['the target', [], 'pubsub'],
    ['the target, of one that broadcasts', ['BCAST', 'PREFIX', 'k', 'PREFIX', 'l'], 'pubsub'],
    ['the tracker', [], 'normal'],
    ['the tracker, of one that broadcasts', ['BCAST', 'PREFIX', 'k'], 'normal'],
  ])(
    '79. when the link of %s is cut',
    async (_whose, more, type) => {
      const trio = await Trio.open({ more })
      try {
        await trio.works('key-1')
        const master = await group.master()
        await master.command('CLIENT', 'KILL', 'TYPE', type)
        expect(await trio.hears()).toBe(FLUSH_MESSAGE)
        await trio.works('key-2')
        expect(trio.hearer.waiting).toBe(0)
      } finally {
        await trio.leave()
      }
    },
    90_000,
  )

  test.each([
    [2, FLUSH_MESSAGE],
    [3, FLUSH_PUSH],
  ] as const)(
    '79. over a change of master; the target speaks RESP%i',
    async (hearerResp, flush) => {
      await group.whole(40_000)
      const trio = await Trio.open({ hearerResp })
      try {
        await trio.works('before')
        await trio.tracker.command('GET', 'cached')
        await group.sentinelFailover()
        expect(await trio.hears()).toBe(flush)
        await trio.works('after')
      } finally {
        await trio.leave()
      }
    },
    90_000,
  )

  test('79. over a change of master, when the target has left: the tracker is told', async () => {
    await group.whole(40_000)
    const trio = await Trio.open({ trackerResp: 3 })
    const before = await group.killMaster()
    try {
      await trio.hearer.destroy()
      await group.switched(before)
      const [push] = await trio.tracker.frames(1)
      expect(String(push)).toBe(`>2\r\n$21\r\ntracking-redir-broken\r\n:${trio.hearerId}\r\n`)
      expect(await trio.tracker.command('CLIENT', 'GETREDIR')).toBe(-1)
    } finally {
      await trio.leave()
      await before.restart()
    }
  }, 90_000)
})
