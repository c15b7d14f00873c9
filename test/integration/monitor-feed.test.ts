import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { FeedClient } from '../../src/feed/feed-client.ts'
import type { FeedClientOptions } from '../../src/feed/feed-client.ts'
import { FeedServer } from '../../src/feed/feed-server.ts'
import type { FeedServerOptions } from '../../src/feed/feed-server.ts'
import type { FeedMessage, ReaderMessage } from '../../src/feed/messages.ts'
import { emptyView } from '../../src/topology/view.ts'
import type { View } from '../../src/topology/view.ts'
import { until } from './monitor-group.ts'
import { silentLog } from './monitor-recorder.ts'

let folder = ''
let path = ''
const owned: { close(): unknown }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchmaster-feed-'))
  path = join(folder, 'feed.sock')
})

afterEach(async () => {
  for (const item of owned.splice(0).reverse()) await item.close()
  rmSync(folder, { recursive: true, force: true })
})

function view(host: string, configEpoch: number, version: number): View {
  return { ...emptyView('mm'), master: { host, port: 6379 }, configEpoch, version }
}

function snapshot(of: View, epochRestart = false): FeedMessage {
  return { type: 'snapshot', view: of, hold: null, epochRestart }
}

interface ServerUnderTest {
  readonly server: FeedServer
  readonly said: ReaderMessage[]
  first: FeedMessage
}

async function serve(
  first: FeedMessage,
  options: Partial<FeedServerOptions> = {},
): Promise<ServerUnderTest> {
  const said: ReaderMessage[] = []
  const holder = { first }
  const server = await FeedServer.listen(
    { path, heartbeatMs: 20, ...options },
    {
      clock: systemClock,
      log: silentLog,
      snapshot: () => [holder.first],
      heartbeat: () => ({ type: 'heartbeat', ages: { mm: 5 } }),
      onReader: (message) => said.push(message),
    },
  )
  owned.push(server)
  return Object.assign(holder, { server, said })
}

function read(options: Partial<FeedClientOptions> = {}): { client: FeedClient; events: string[] } {
  const events: string[] = []
  const client = new FeedClient(
    { path, ...options },
    {
      onView: (of, switched) =>
        events.push(
          `${switched ? 'switch' : 'view'} ${of.master?.host ?? '-'}${String(of.configEpoch)}`,
        ),
      onHold: (group, hold) => events.push(`hold ${group} ${String(hold.id)} ${hold.reason}`),
      onRelease: (group, id, reason) => events.push(`release ${group} ${String(id)} ${reason}`),
      onLooked: () => undefined,
      onState: (state) => events.push(state),
    },
    { clock: systemClock, log: silentLog },
  )
  owned.push(client)
  return { client, events }
}

describe('the feed over a unix socket', () => {
  it('gives a snapshot first, then every change, to each reader', async () => {
    const hold = { id: 7, reason: 'odown' as const, ttlMs: 100 }
    const { server } = await serve({ ...snapshot(view('a', 1, 1)), hold } as FeedMessage)
    const one = read()
    const two = read()
    await until('both readers', () => one.events.length === 3 && two.events.length === 3)
    server.publish({ type: 'release', group: 'mm', id: 7, reason: 'aborted' })
    server.publish({ type: 'hold', group: 'mm', ...hold, id: 8 })
    server.publish({ type: 'switch', view: view('b', 2, 2), why: 'because', epochRestart: false })
    server.publish({ type: 'view', view: view('b', 2, 3), epochRestart: false })
    for (const { events } of [one, two]) {
      await until('all changes', () => events.length === 7)
      expect(events).toEqual([
        'up',
        'switch a1',
        'hold mm 7 odown',
        'release mm 7 aborted',
        'hold mm 8 odown',
        'switch b2',
        'view b2',
      ])
    }
  })

  it('only its owner may open the socket', async () => {
    await serve(snapshot(view('a', 1, 1)))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('takes the place of a dead process, not of a living one, not of a file', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    expect(existsSync(path)).toBe(true)
    const { server } = await serve(snapshot(view('a', 1, 1)))
    await expect(serve(snapshot(view('a', 1, 1)))).rejects.toThrow(/in use by another process/)
    await server.close()
    writeFileSync(path, 'precious')
    await expect(serve(snapshot(view('a', 1, 1)))).rejects.toThrow(/cannot listen|is no socket/)
    expect(existsSync(path)).toBe(true)
  })

  it('tells how old it is, and hears symptoms', async () => {
    const { said } = await serve(snapshot(view('a', 1, 1)))
    const { client } = read()
    expect(client.ageMs()).toBeNull()
    await until('a heartbeat', () => client.discoveryAgeMs('mm') !== null)
    expect(client.discoveryAgeMs('mm')).toBeGreaterThanOrEqual(5)
    expect(client.discoveryAgeMs('other')).toBeNull()
    const symptom = {
      type: 'symptom',
      group: 'mm',
      what: 'readonly',
      address: 'a:6379',
      generation: 1,
    } as const
    client.send(symptom)
    await until('the symptom', () => said.length === 1)
    expect(said).toEqual([symptom])
  })

  it('scenario 41: the monitor is gone, then back with an old view: never backwards', async () => {
    const first = await serve(snapshot(view('b', 2, 9)))
    const { client, events } = read()
    await until('the view', () => events.includes('switch b2'))
    await first.server.close()
    await until('the loss', () => client.state !== 'up')
    const hold = { id: 1, reason: 'odown' as const, ttlMs: 100 }
    const second = await serve({ ...snapshot(view('a', 1, 3)), hold } as FeedMessage)
    await until('seen', () => second.said.length === 1)
    expect(second.said).toEqual([{ type: 'seen', group: 'mm', configEpoch: 2 }])
    second.server.publish({ type: 'switch', view: view('a', 1, 4), why: '', epochRestart: false })
    second.server.publish({ type: 'switch', view: view('c', 3, 5), why: '', epochRestart: false })
    await until('the newer view', () => events.includes('switch c3'))
    expect(events.filter((event) => event.includes('a1'))).toEqual([])
    expect(events.filter((event) => event.startsWith('hold'))).toEqual([])
  })

  it('goes back when the monitor says that epochs are counted anew', async () => {
    const { server } = await serve(snapshot(view('b', 5, 1)))
    const { events } = read()
    await until('the view', () => events.includes('switch b5'))
    server.publish({ type: 'view', view: view('b', 0, 2), epochRestart: true })
    await until('the lower epoch', () => events.includes('view b0'))
  })

  it('waits for a monitor that is not there yet', async () => {
    const { client, events } = read()
    await until('a failed attempt', () => client.state === 'waiting')
    await serve(snapshot(view('a', 1, 1)))
    await until('the view', () => events.includes('switch a1'))
  })

  it('takes a silent monitor for dead and comes back', async () => {
    await serve(snapshot(view('a', 1, 1)), { heartbeatMs: 60_000 })
    const { events } = read({ silenceMs: 50 })
    await until('a second connection', () => events.filter((event) => event === 'up').length > 1)
    expect(events.filter((event) => event === 'waiting').length).toBeGreaterThan(0)
  })

  it('cuts a reader that does not read, and no other', async () => {
    const { server } = await serve(snapshot(view('a', 1, 1)), { maxBufferedBytes: 100_000 })
    const slow = createConnection(path)
    slow.on('error', () => {
      // It is to be cut.
    })
    owned.push({ close: () => slow.destroy() })
    slow.pause()
    const { events } = read()
    await until('both readers', () => server.readers === 2)
    const why = 'x'.repeat(10_000)
    let version = 2
    await until('the cut', () => {
      server.publish({
        type: 'view',
        view: { ...view('a', 1, version++), why },
        epochRestart: false,
      })
      return server.readers === 1
    })
    expect(events).not.toContain('waiting')
  })

  it('cuts a reader that speaks another language', async () => {
    const { server } = await serve(snapshot(view('a', 1, 1)))
    const stranger = createConnection(path)
    owned.push({ close: () => stranger.destroy() })
    stranger.write('GET / HTTP/1.1\r\n')
    await new Promise((resolve) => stranger.resume().once('close', resolve))
    await until('its end', () => server.readers === 0)
  })

  it('drops a monitor that sends a line without end', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {
        // The reader goes away.
      })
      socket.write(Buffer.alloc(2_000_000, 0x61))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    owned.push({
      close() {
        for (const socket of sockets) socket.destroy()
        server.close()
      },
    })
    const { events } = read()
    await until('the end of it', () => events.includes('waiting'))
  })
})
