import { sameAddress } from '../../src/base/address.ts'
import type { Address } from '../../src/base/address.ts'
import { systemClock } from '../../src/base/clock.ts'
import { FeedClient } from '../../src/feed/feed-client.ts'
import type { View } from '../../src/topology/view.ts'
import { GROUP, startGroup, until } from './monitor-group.ts'
import type { Server, TestGroup } from './monitor-group.ts'
import { record, silentLog } from './monitor-recorder.ts'
import type { Recorded } from './monitor-recorder.ts'

/** A real group, a monitor that watches it, and a reader of the monitor's feed. */
export interface Stage {
  readonly group: TestGroup
  readonly recorded: Recorded
  readonly client: FeedClient
  /** What the reader followed. */
  readonly followed: readonly { at: number; view: View; switched: boolean }[]
  /** The tokens of looks that the reader was told to be done. */
  readonly looked: readonly string[]
  /** The holds and releases that the reader was told of. */
  readonly holds: readonly { at: number; reason: string }[]
  view(): View
  masterNode(): Server
  roleOf(address: Address | null): Promise<unknown>
  switchesSince(since: number): number
  /** When the reader was first told to hold; Infinity: it was not. */
  heldSince(since: number): number
  /** All sentinels are well, and so many replicas are in step as they see it. */
  settled(replicas: number): Promise<void>
  /** When a sentinel first announced this master; a frozen one may tell of an older one. */
  announcedAt(master: Address | null, since: number): number | null
  /** When the first sentinel accepted SENTINEL FAILOVER. */
  forceFailover(): Promise<number>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const group = await startGroup()
  const recorded = await record(group)
  const followed: { at: number; view: View; switched: boolean }[] = []
  const looked: string[] = []
  const holds: { at: number; reason: string }[] = []
  const client = new FeedClient(
    { path: recorded.feedPath },
    {
      onView: (view, switched) => followed.push({ at: performance.now(), view, switched }),
      onHold: (_group, { reason }) => holds.push({ at: performance.now(), reason }),
      onRelease: () => holds.push({ at: performance.now(), reason: 'released' }),
      onLooked: (_group, token) => looked.push(token),
      onState() {
        // Its views show it.
      },
    },
    { clock: systemClock, log: silentLog },
  )
  const view = (): View => recorded.monitor.view()
  const nodeAt = (address: Address | null): Server => {
    const node = group.nodes.find(({ port }) => port === address?.port)
    if (node === undefined) throw new Error('no such node')
    return node
  }
  return {
    group,
    recorded,
    client,
    followed,
    looked,
    holds,
    view,
    masterNode: () => nodeAt(view().master),
    async roleOf(address) {
      const role = await group.call(nodeAt(address), 'ROLE')
      return Array.isArray(role) ? String(role[0]) : null
    },
    switchesSince: (since) => followed.filter(({ at, switched }) => at >= since && switched).length,
    heldSince: (since) => holds.find(({ at }) => at >= since)?.at ?? Infinity,
    async settled(replicas) {
      await until('a master', () => view().master)
      // The reader may come to the feed later than that: its first view is no switch of the test's.
      await until('the reader follows', () => followed.some(({ switched }) => switched))
      await until('all sentinels are well', () =>
        view().sentinels.every(({ state }) => state === 'ok'),
      )
      const wellOnes = (): number =>
        view().replicas.filter(({ linkUp, flags }) => linkUp && flags === 'slave').length
      await until('the replicas are in step', () => wellOnes() >= replicas, 25_000)
    },
    announcedAt(master, since) {
      const found = recorded.seen.find(
        ({ at, evidence }) =>
          at >= since &&
          evidence.kind === 'event' &&
          evidence.event.shape === 'switch' &&
          sameAddress(evidence.event.to, master),
      )
      return found?.at ?? null
    },
    forceFailover: () => until('a failover is accepted', () => tryFailover(group), 25_000),
    async close() {
      client.close()
      await recorded.monitor.close()
      await group.stop()
    },
  }
}

async function tryFailover(group: TestGroup): Promise<number | null> {
  const [sentinel] = group.sentinels
  if (sentinel === undefined) return null
  const at = performance.now()
  const reply = await group.call(sentinel, 'SENTINEL', 'FAILOVER', GROUP).catch(() => null)
  return reply === 'OK' ? at : null
}
