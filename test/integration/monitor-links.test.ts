import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/address.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { Log } from '../../src/base/log.ts'
import { GroupDiscovery } from '../../src/discovery/group-discovery.ts'
import { KeptLink } from '../../src/discovery/kept-link.ts'
import { staticProvider } from '../../src/discovery/providers.ts'
import { linkDefaults, openLink } from '../../src/discovery/redis-link.ts'
import type { LinkOptions } from '../../src/discovery/redis-link.ts'
import { RoleProbe } from '../../src/discovery/role-probe.ts'
import type { RoleProbeHooks } from '../../src/discovery/role-probe.ts'
import type { Evidence } from '../../src/topology/evidence.ts'
import { until } from './monitor-group.ts'
import { silentLog } from './monitor-recorder.ts'

/** A server whose words the test chooses: a function from the bytes of a request to a reply. */
interface Fake {
  readonly address: Address
  readonly sockets: Set<Socket>
  connections: number
  close(): void
}

const owned: { close(): void }[] = []
const link: LinkOptions = { ...linkDefaults, connectTimeoutMs: 300, commandTimeoutMs: 100 }

afterEach(() => {
  for (const item of owned.splice(0).reverse()) item.close()
})

async function fake(answer: (request: string, socket: Socket) => string | null): Promise<Fake> {
  const sockets = new Set<Socket>()
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const it: Fake = {
    address: { host: '127.0.0.1', port },
    sockets,
    connections: 0,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  server.on('connection', (socket) => {
    it.connections++
    sockets.add(socket)
    socket.on('error', () => {
      // The other side goes away in its own time.
    })
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (data) => {
      const reply = answer(data.toString(), socket)
      if (reply !== null) socket.write(reply)
    })
  })
  owned.push(it)
  return it
}

function keep(
  address: Address,
  log: Log = silentLog,
  clock: Clock = systemClock,
): { link: KeptLink; downs: string[] } {
  const downs: string[] = []
  const kept = new KeptLink(
    { address, what: 'test', link, pingIntervalMs: 30, backoff: { minMs: 20, maxMs: 400 } },
    {
      setUp: () => Promise.resolve(),
      onUp() {
        // The test looks at the server.
      },
      onDown: (reason) => downs.push(reason),
    },
    { clock, log },
  )
  owned.push(kept)
  return { link: kept, downs }
}

describe('a kept link', () => {
  it('scenario 9: finds by PING that nobody answers any more, and comes back', async () => {
    let frozen = false
    const server = await fake((request) =>
      frozen ? null : request.includes('ping') ? '+PONG\r\n' : '+OK\r\n',
    )
    const { downs, link: kept } = keep(server.address)
    await until('the link', () => kept.redis !== null)
    frozen = true
    await until('the loss', () => downs.length > 0)
    expect(downs[0]).toMatch(/no answer to PING/)
    frozen = false
    await until('the link again', () => kept.redis !== null)
    expect(server.connections).toBeGreaterThan(1)
  })

  it('a server that accepts and hangs up is asked at growing intervals, and told of once', async () => {
    const told: string[] = []
    const log: Log = { ...silentLog, warn: (_fields, message) => told.push(message) }
    const server = await fake((_request, socket) => {
      socket.destroy()
      return null
    })
    const { downs } = keep(server.address, log)
    const start = performance.now()
    await until('six attempts', () => downs.length >= 6)
    // Each wait is at least half of 20, 40, 80, 160, 320 ms.
    expect(performance.now() - start).toBeGreaterThan(300)
    expect(told.length).toBeLessThanOrEqual(2)
  })

  it('after it was well for a while, the waits begin again with the shortest', async () => {
    const waits: number[] = []
    const clock: Clock = {
      now: () => systemClock.now(),
      after(ms, fn) {
        waits.push(ms)
        return systemClock.after(ms / 10, fn)
      },
    }
    let well = false
    const server = await fake((_request, socket) => {
      if (well) return '+OK\r\n'
      socket.destroy()
      return null
    })
    const { downs, link: kept } = keep(server.address, silentLog, clock)
    await until('long waits', () => waits.some((ms) => ms > 200))
    well = true
    // So many beats of PING take longer than the settling time of 1 s.
    await until('the link', () => kept.redis !== null)
    const settled = waits.length + 40
    await until('a while', () => waits.length > settled)
    const failures = downs.length
    const mark = waits.length
    for (const socket of server.sockets) socket.destroy()
    await until('the loss', () => downs.length > failures)
    // Apart from the beats of PING (30) and the settling time (1000).
    const wait = waits.slice(mark).find((ms) => ms !== 30 && ms !== 1_000)
    expect(wait).toBeLessThanOrEqual(20)
  })

  it('a server that answers what was not asked is left', async () => {
    let broken = false
    const server = await fake(() => (broken ? '+OK\r\n+OK\r\n+OK\r\n' : '+OK\r\n'))
    const { downs, link: kept } = keep(server.address)
    await until('the link', () => kept.redis !== null)
    broken = true
    await until('the loss', () => downs.length > 0)
  })

  it('a closed one stays closed', async () => {
    const server = await fake(() => '+OK\r\n')
    const { link: kept } = keep(server.address)
    await until('the link', () => kept.redis !== null)
    kept.close()
    await until('its end', () => server.sockets.size === 0)
    expect(kept.redis).toBeNull()
    expect(server.connections).toBe(1)
  })
})

describe('openLink', () => {
  it('scenario 24: a wrong password is a refusal with the words of the server', async () => {
    const server = await fake((request) =>
      request.includes('AUTH') ? '-WRONGPASS invalid username-password pair\r\n' : '+OK\r\n',
    )
    const auth = { username: 'u', password: 'p' }
    await expect(openLink(server.address, { ...link, auth })).rejects.toMatchObject({
      code: 'HANDSHAKE_FAILED',
      message: expect.stringContaining('WRONGPASS') as string,
    })
    await until('no connection is left', () => server.sockets.size === 0)
  })

  it('nobody listens, or nobody speaks: refused within the timeouts', async () => {
    const server = await fake(() => null)
    await expect(openLink(server.address, link)).rejects.toMatchObject({ code: 'HANDSHAKE_FAILED' })
    server.close()
    await expect(openLink(server.address, link)).rejects.toMatchObject({ code: 'LINK_REFUSED' })
  })
})

describe('the probe of ROLE', () => {
  const role = '*3\r\n$6\r\nmaster\r\n:7\r\n*0\r\n'
  const info = '$12\r\nrun_id:abc\r\n\r\n'

  function probe(): { probe: RoleProbe; answers: Parameters<RoleProbeHooks['onAnswer']>[0][] } {
    const answers: Parameters<RoleProbeHooks['onAnswer']>[0][] = []
    const made = new RoleProbe(
      { link, addressMap: new Map() },
      {
        stamp: () => ({ at: performance.now(), wall: 0 }),
        onAnswer: (answer) => answers.push(answer),
      },
      { clock: systemClock, log: silentLog },
    )
    owned.push(made)
    return { probe: made, answers }
  }

  it('a connection that was killed meanwhile says nothing of the node', async () => {
    const server = await fake((request) =>
      request.includes('ROLE') ? role + info + info : '+OK\r\n',
    )
    const { probe: asked, answers } = probe()
    asked.ask(server.address)
    await until('an answer', () => answers.length === 1)
    for (const socket of server.sockets) socket.destroy()
    asked.ask(server.address)
    await until('another', () => answers.length === 2)
    expect(answers.map(({ kind }) => kind)).toEqual(['role', 'role'])
    expect(answers[1]).toMatchObject({ role: 'master', runId: 'abc' })
    expect(server.connections).toBe(2)
  })

  it('neither does one that is killed while it asks', async () => {
    let questions = 0
    const server = await fake((request, socket) => {
      if (!request.includes('ROLE')) return '+OK\r\n'
      questions++
      if (questions !== 2) return role + info + info
      socket.destroy()
      return null
    })
    const { probe: asked, answers } = probe()
    asked.ask(server.address)
    await until('an answer', () => answers.length === 1)
    asked.ask(server.address)
    await until('another', () => answers.length === 2)
    expect(answers.map(({ kind }) => kind)).toEqual(['role', 'role'])
    expect(questions).toBe(3)
  })

  it('knows a node that may not be asked from one that cannot be', async () => {
    const server = await fake((request) => {
      const noauth = '-NOAUTH Authentication required.\r\n'
      return request.includes('ROLE') ? noauth + noauth + noauth : noauth
    })
    const { probe: asked, answers } = probe()
    asked.ask(server.address)
    await until('an answer', () => answers.length === 1)
    server.close()
    asked.ask({ host: '127.0.0.1', port: 1 })
    await until('another', () => answers.length === 2)
    expect(answers[0]).toMatchObject({ kind: 'role-failed', denied: true })
    expect(answers[1]).toMatchObject({ kind: 'role-failed', denied: false })
  })

  it('asks once more for all that came while it was asking, not once for each', async () => {
    let questions = 0
    const server = await fake((request) => {
      if (!request.includes('ROLE')) return '+OK\r\n'
      questions++
      return role + info + info
    })
    const { probe: asked, answers } = probe()
    for (let i = 0; i < 50; i++) asked.ask(server.address)
    await until('two answers', () => answers.length === 2)
    expect(questions).toBe(2)
  })
})

describe('the discovery of a group', () => {
  it('asks every sentinel at every interval, without any event', async () => {
    const server = await fake((request) => {
      if (request.includes('psubscribe')) return '*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n'
      if (!request.includes('MASTER')) return '+OK\r\n'
      const questions = request.match(/^\*\d+\r$/gm) ?? []
      return '*-1\r\n'.repeat(questions.length)
    })
    const seen: Evidence[] = []
    const discovery = new GroupDiscovery(
      {
        group: 'mm',
        provider: staticProvider([server.address]),
        sentinelLink: link,
        nodeLink: link,
        addressMap: new Map(),
        pollIntervalMs: 20,
        providerIntervalMs: 10_000,
      },
      {
        clock: systemClock,
        wall: () => 0,
        log: silentLog,
        onEvidence(evidence) {
          seen.push(evidence)
          if (evidence.kind === 'configured') discovery.watch(evidence.sentinels, null, [])
        },
      },
    )
    owned.push(discovery)
    discovery.start()
    await until('ten polls', () => seen.filter(({ kind }) => kind === 'poll').length >= 10)
    expect(seen.filter(({ kind }) => kind === 'lost')).toEqual([])
    expect(server.connections).toBe(2)
  })

  it('a provider that fails is asked again', async () => {
    let asked = 0
    const provider = {
      current: () => (++asked < 2 ? Promise.reject(new Error('NXDOMAIN')) : Promise.resolve([])),
      close() {
        // Nothing is open.
      },
    }
    const kinds: string[] = []
    const discovery = new GroupDiscovery(
      {
        group: 'mm',
        provider,
        sentinelLink: link,
        nodeLink: link,
        addressMap: new Map(),
        pollIntervalMs: 5_000,
        providerIntervalMs: 10_000,
      },
      {
        clock: systemClock,
        wall: () => 0,
        log: silentLog,
        onEvidence: ({ kind }) => kinds.push(kind),
      },
    )
    owned.push(discovery)
    discovery.start()
    await until('the list', () => kinds.includes('configured'))
    expect(asked).toBe(2)
  })
})
