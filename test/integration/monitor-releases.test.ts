import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { staticProvider } from '../../src/discovery/providers.ts'
import { FeedClient } from '../../src/feed/feed-client.ts'
import type { ReleaseNoticeReason } from '../../src/feed/messages.ts'
import { startMonitor } from '../../src/monitor.ts'
import type { Monitor } from '../../src/monitor.ts'
import { GROUP, until } from './monitor-group.ts'
import { silentLog } from './monitor-recorder.ts'

let folder = ''
const owned: { close(): unknown }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchmaster-releases-'))
})

afterEach(async () => {
  for (const item of owned.splice(0).reverse()) await item.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What is between a reader and the monitor's socket; `cut` holds until `mend`. */
async function line(from: string, to: string): Promise<{ cut(): void; mend(): void }> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = createConnection(to)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(from, resolve))
  const cut = (): void => {
    isCut = true
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  owned.push({
    close() {
      cut()
      server.close()
    },
  })
  return { cut, mend: () => (isCut = false) }
}

/** A monitor that nobody tells anything. */
async function monitorAt(feedPath: string): Promise<Monitor> {
  const monitor = await startMonitor(
    { groups: [{ name: GROUP, provider: staticProvider([]) }], feedPath },
    { clock: systemClock, log: silentLog },
  )
  owned.push(monitor)
  return monitor
}

/** A data plane as far as the feed is concerned: it holds what it is told to hold. */
class Plane {
  readonly holds = new Set<number>()
  readonly released: ReleaseNoticeReason[] = []
  readonly client: FeedClient

  constructor(path: string) {
    this.client = new FeedClient(
      { path },
      {
        onView: () => {
          this.#report()
        },
        onHold: (_group, { id }) => {
          this.holds.add(id)
          this.#report()
        },
        onRelease: (_group, id, reason) => {
          this.holds.delete(id)
          this.released.push(reason)
          this.#report()
        },
        onLooked: () => undefined,
        onState: () => undefined,
      },
      { clock: systemClock, log: silentLog },
    )
    owned.push(this.client)
  }

  #report(): void {
    const state = this.holds.size > 0 ? 'holding' : 'open'
    const facts = { group: GROUP, pid: 1, worker: 0, inFlight: 0, upstream: null }
    this.client.send({ type: 'gate', ...facts, state, holds: [...this.holds] })
  }
}

/** How many data planes the monitor hears. */
function planesOf(monitor: Monitor): number {
  const { dataPlanes } = monitor.operations(GROUP).describe() as { dataPlanes: readonly unknown[] }
  return dataPlanes.length
}

/** An operator's hold is in force, and then the line is cut. */
async function cutWhileHeld() {
  const feedPath = join(folder, 'feed.sock')
  const monitor = await monitorAt(feedPath)
  const between = await line(join(folder, 'line.sock'), feedPath)
  const plane = new Plane(join(folder, 'line.sock'))
  await until('the plane', () => planesOf(monitor) === 1)
  const { dataPlanes } = await monitor.operations(GROUP).hold(60_000)
  expect(dataPlanes).toMatchObject([{ atRest: true }])
  between.cut()
  await until('the loss', () => planesOf(monitor) === 0)
  return { feedPath, monitor, between, plane }
}

describe('a reader whose feed breaks', () => {
  it('learns at its return that its monitor has released meanwhile', async () => {
    const { monitor, between, plane } = await cutWhileHeld()
    expect(monitor.operations(GROUP).release().released).toBe(1)
    between.mend()
    await until('the release', () => plane.holds.size === 0)
    expect(plane.released).toEqual(['missed'])
  })

  it('keeps a hold that is still in force', async () => {
    const { monitor, between, plane } = await cutWhileHeld()
    between.mend()
    // It reports when it has read the snapshot.
    await until('the return', () => planesOf(monitor) === 1)
    expect([plane.holds.size, plane.released]).toEqual([1, []])
  })

  it('releases nothing because another monitor does not know of it', async () => {
    const { feedPath, monitor, between, plane } = await cutWhileHeld()
    await monitor.close()
    const next = await monitorAt(feedPath)
    between.mend()
    await until('the return', () => planesOf(next) === 1)
    expect([plane.holds.size, plane.released]).toEqual([1, []])
  })

  it('does not take the hold of another monitor for one that it knows', async () => {
    const { feedPath, monitor, between, plane } = await cutWhileHeld()
    await monitor.close()
    const next = await monitorAt(feedPath)
    between.mend()
    await until('the return', () => planesOf(next) === 1)
    await next.operations(GROUP).hold(60_000)
    expect(plane.holds.size).toBe(2)
    // That of the monitor before is an operator's too, as far as anybody knows.
    expect(next.operations(GROUP).release().released).toBe(2)
    await until('the releases', () => plane.holds.size === 0)
  })
})
