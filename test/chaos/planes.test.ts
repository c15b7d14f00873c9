import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import { OldMasterWatch } from '../support/old-master-watch.ts'
import { commandLine, descendants } from '../support/processes.ts'
import { Proxy } from '../support/proxy.ts'
import { RawClient } from '../support/raw-client.ts'
import { encode, faultOf } from '../support/resp.ts'
import { replicated, sessionStages } from '../support/session-stage.ts'
import { until } from '../support/until.ts'

const { open, own } = sessionStages()

/** The one field of the group in /state, and of the feed. */
async function stateOf(proxy: Proxy): Promise<{ upstream: string | null; feed: string }> {
  const text = JSON.stringify(await proxy.state())
  const upstream = /"upstream":(?:"([^"]*)"|null)/.exec(text)?.[1] ?? null
  return { upstream, feed: /"feed":\{"state":"([a-z]+)"/.exec(text)?.[1] ?? '' }
}

describe('scenario 40: two data planes, one without its monitor', () => {
  test('scenario 40: after the first acknowledgement on the new master there is none on the old', async () => {
    const stage = await open({ mode: 'split', args: ['--hold-window', '3s'] })
    const { group } = stage
    const names = { sentinels: group.sentinelList, masterName: group.name }
    const cut = own(await Proxy.start({ ...names, mode: 'split', args: ['--hold-window', '3s'] }))
    const one = await stage.client()
    const other = await RawClient.connect(cut.port, { patience: 30_000 })
    own({ stop: () => other.destroy() })
    expect(await other.command('SET', 'k', 'before')).toBe('OK')
    await cut.kill('monitor')
    const isCut = async (): Promise<boolean> => (await stateOf(cut)).feed !== 'up'
    await until(isCut, { within: 10_000, what: 'the feed to be lost' })
    // Without a monitor it serves on with what it has.
    expect(await other.command('SET', 'k', 'without')).toBe('OK')
    await replicated(group)

    const before = await group.killMaster()
    const answered = one.command('SET', 'k', 'after')
    const after = await group.switched(before)
    expect(await answered).toBe('OK')
    // The old one is back, and a writable master for some seconds: nobody may be acknowledged there.
    await before.start()
    const watch = own(await OldMasterWatch.start(before))
    const said: string[] = []
    const enough = async (): Promise<boolean> => {
      const reply = await other.command('SET', 'k', 'on-the-old-one')
      const isMaster = (await before.info('replication', 'role')) === 'master'
      if (isMaster) said.push(faultOf(reply).split(' ')[0] ?? '')
      return !isMaster || said.length >= 100
    }
    await until(enough, { within: 40_000, what: 'a hundred attempts on the old master' })
    expect(said.length).toBeGreaterThan(20)
    expect([...new Set(said)]).toEqual(['MASTERDOWN'])
    expect(await watch.strays()).toEqual([])
    expect(await after.command('GET', 'k')).toBe('after')
    cut.restart('monitor')
    const serves = async (): Promise<boolean> => (await other.command('SET', 'k', 'again')) === 'OK'
    await until(serves, { within: 15_000, every: 50, what: 'it to follow again' })
    expect(await after.command('GET', 'k')).toBe('again')
  })
})

test('scenario 41: the monitor dies, a failover happens, it is back: followed, and never backwards', async () => {
  const stage = await open({ mode: 'split', group: { replicas: 2, sentinels: 3 } })
  const { group, proxy, client } = stage
  const one = await client()
  const first = await group.master()
  await group.killMaster()
  const second = await group.switched(first)
  expect(await one.command('SET', 'k', '1')).toBe('OK')
  expect((await stateOf(proxy)).upstream).toBe(`127.0.0.1:${second.port}`)
  // The next monitor begins with one sentinel only, which slept through what came.
  const [stale, ...others] = group.sentinels
  await proxy.kill('monitor')
  stale?.signal('SIGSTOP')
  await first.start()
  const [leader] = others
  const asked = async (): Promise<boolean> =>
    (await leader?.command('SENTINEL', 'FAILOVER', group.name)) === 'OK'
  await until(asked, { within: 30_000, every: 200, what: 'a sentinel to accept FAILOVER' })
  const moved = async (): Promise<number | false> => {
    const named = await leader?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group.name)
    const port = Array.isArray(named) ? Number(named[1]) : second.port
    return port !== second.port && port
  }
  const third = await until(moved, { within: 30_000, every: 50, what: 'the failover' })
  proxy.restart('monitor')
  const follows = async (): Promise<boolean> =>
    (await stateOf(proxy)).upstream === `127.0.0.1:${third}`
  await until(follows, { within: 20_000, every: 20, what: 'the third master to be followed' })
  expect(await one.command('SET', 'k', '3')).toBe('OK')
  // The sleeper wakes and names the second one for a while; again the monitor is a new one.
  await proxy.kill('monitor')
  stale?.signal('SIGCONT')
  proxy.restart('monitor')
  const isUp = async (): Promise<boolean> => (await stateOf(proxy)).feed === 'up'
  const seen = new Set<string | null>()
  const said = new Set<string>()
  const agreed = async (): Promise<boolean> => {
    seen.add((await stateOf(proxy)).upstream)
    said.add(typeof (await one.command('INCR', 'n')))
    const named = await stale?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group.name)
    return (await isUp()) && Array.isArray(named) && Number(named[1]) === third
  }
  await until(agreed, { within: 40_000, every: 20, what: 'all sentinels to agree' })
  expect([...seen]).toEqual([`127.0.0.1:${third}`])
  expect([...said]).toEqual(['number'])
})

test('scenario 42: one worker after the other is ended: closed between commands, nothing lost', async () => {
  const { proxy, group } = await open({ workers: 2 })
  let isOver = false
  const over = (): boolean => isOver
  let acked = 0
  let closed = 0
  /** A client that makes a new connection when its own is closed, as every library does. */
  const live = async (): Promise<void> => {
    while (!over()) {
      const one = await RawClient.connect(proxy.port)
      while (!over() && !one.ended) {
        await one.send(encode('INCR', 'n'))
        const came = (): boolean => one.waiting > 0 || one.ended
        await until(came, { within: 20_000, every: 1, what: 'a reply, or the end' })
        if (one.waiting === 0) continue
        expect(String((await one.frames(1))[0])).toMatch(/^:\d+\r\n$/)
        acked += 1
      }
      if (one.ended) {
        expect((await one.rest()).toString()).toBe('')
        closed += 1
      }
      await one.destroy()
    }
  }
  const clients = Promise.all(Array.from({ length: 20 }, live))
  clients.catch(() => undefined)
  const progress = async (): Promise<void> => {
    const from = acked
    await until(() => acked > from + 500, { within: 20_000, what: 'commands to go on' })
  }
  await progress()
  const workers = (): number[] =>
    descendants(proxy.child('supervisor').pid).filter((pid) => commandLine(pid).includes('proxyd'))
  const first = workers()
  expect(first).toHaveLength(2)
  let restarts = 0
  for (const pid of first) {
    const closedBefore = closed
    process.kill(pid, 'SIGTERM')
    restarts += 1
    // The supervisor starts one again whenever one has ended.
    const again = (): boolean =>
      closed > closedBefore && proxy.logs().split('proxyd runs again').length > restarts
    await until(again, { within: 20_000, what: 'another worker in its place' })
    expect(commandLine(pid)).toBe('')
    await proxy.ready()
    await progress()
  }
  isOver = true
  await clients
  // What was sent into a closing connection was not executed; what was executed was answered.
  expect(await group.knownMaster.command('GET', 'n')).toBe(String(acked))
})

describe('scenario 45: the master is restarted before anybody calls a failover', () => {
  test('scenario 45: LOADING is waited for, the new process is noticed, WATCH is dirty', async () => {
    const nodeConfig = ['key-load-delay 4000', 'loading-process-events-interval-bytes 1024']
    const stage = await open({ mode: 'split', group: { nodeConfig, downAfterMs: 30_000 } })
    const { group, proxy, client } = stage
    const master = group.knownMaster
    const keys = Array.from({ length: 500 }, (_each, n) => [`k${n}`, 'x'.repeat(100)]).flat()
    await master.command('MSET', ...keys)
    await master.command('SAVE')
    const runId = await master.info('server', 'run_id')
    // What the view is worth is known again when a monitor that was away is back.
    await proxy.kill('monitor')
    proxy.restart('monitor')
    const isBack = async (): Promise<boolean> => (await stateOf(proxy)).feed === 'up'
    await until(isBack, { within: 10_000, what: 'the feed to be there again' })
    const [watcher, one] = [await client(), await client()]
    await watcher.command('WATCH', 'k0')
    await watcher.command('MULTI')
    expect(await watcher.command('SET', 'k0', 'mine')).toBe('QUEUED')
    await master.kill()
    const read = one.command('GET', 'k499')
    const held = async (): Promise<boolean> => (await proxy.metric('switchmaster_held')) === 1
    await until(held, { within: 5_000, what: 'the loss to be noticed' })
    const starting = master.start()
    const exec = watcher.command('EXEC')
    expect(await read).toBe('x'.repeat(100))
    expect(await exec).toBeNull()
    await starting
    expect(await master.info('server', 'run_id')).not.toBe(runId)
    expect(await one.command('GET', 'k0')).toBe('x'.repeat(100))
    expect(await one.command('INCR', 'n')).toBe(1)
    expect(await proxy.metric('switchmaster_generation')).toBe(2)
    expect(await proxy.metric('switchmaster_client_disconnects_total')).toBe(0)
  })
})

test('scenario 46: health checks open no connection to Redis', async () => {
  const { group, proxy } = await open({ workers: 2 })
  const connections = async (): Promise<number[]> =>
    Promise.all(
      group.nodes.map(async (node) =>
        Number(await node.info('stats', 'total_connections_received')),
      ),
    )
  const followed = async (): Promise<boolean> => {
    const { workers } = (await proxy.state()) as {
      workers: readonly { groups: Record<string, { gate: { name: string } }> }[]
    }
    return (
      workers.length === 2 &&
      workers.every(({ groups }) => groups[group.name]?.gate.name === 'open')
    )
  }
  await until(followed, { within: 10_000, what: 'both workers at the master' })
  const before = await connections()
  for (let n = 0; n < 30; n += 1) {
    for (const path of ['/healthz', '/readyz', '/metrics', '/state']) {
      const url = `http://127.0.0.1:${proxy.adminPort}${path}`
      const answer = await fetch(url, { headers: { connection: 'close' } })
      await answer.arrayBuffer()
      expect(answer.status, path).toBe(200)
    }
    // A load balancer knocks at the door of the clients and goes.
    await new Promise<void>((done) => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' }, () => socket.end())
      socket.once('close', () => done())
      socket.resume()
    })
  }
  expect(await connections()).toEqual(before)
})
