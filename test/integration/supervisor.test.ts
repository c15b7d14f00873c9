import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { NetConnectOpts } from 'node:net'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

// The parts are played by a fixture; processes, sockets and signals are real.
const program = join(import.meta.dirname, 'fixtures/fake-cli.mjs')
let started: ChildProcess[] = []
let port = 0
let adminPort = 0
let folder = ''

beforeEach(async () => {
  started = []
  folder = mkdtempSync(join(tmpdir(), 'supervisor-test-'))
  port = await freePort()
  adminPort = await freePort()
})
afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}

interface Run {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exit: Promise<number | null>
}

function run(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  return { child, output: () => output, exit }
}

function up(...more: readonly string[]): Run {
  return upAt(`127.0.0.1:${port}`, ...more)
}

function upAt(listen: string, ...more: readonly string[]): Run {
  const own = ['--listen', listen, '--admin', `127.0.0.1:${adminPort}`]
  return run('up', '--sentinels', '127.0.0.1:1', ...own, '--log-pretty=false', ...more)
}

async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
    await delay(30)
  }
}

interface State {
  readonly workers: readonly {
    readonly pid: number | null
    readonly restarts: number
    /** Said by the fixture itself, once it listens. */
    readonly worker?: number
  }[]
  readonly monitor: { readonly pid: number | null; readonly restarts: number }
}

async function stateWhere(isRight: (state: State) => boolean): Promise<State> {
  return until(async () => {
    try {
      const state = (await (await fetch(`http://127.0.0.1:${adminPort}/state`)).json()) as State
      return isRight(state) ? state : undefined
    } catch {
      return undefined
    }
  })
}

async function accepted(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  return Number(/^switchmaster_client_connections_total (\d+)$/m.exec(text)?.[1])
}

/** Connects once; the fixture answers with the pid of the worker. */
function visit(where: NetConnectOpts = { port, host: '127.0.0.1' }): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    connect(where)
      .on('data', (chunk: Buffer) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => {
        resolve(text)
      })
  })
}

it('starts a worker again that died, while the other serves, and no counter goes back', async () => {
  const { child, output, exit } = up('--workers', '2')
  const before = await stateWhere(({ workers }) => workers.every(({ pid }) => pid !== null))
  await until(() =>
    output().includes(`ready: redis-cli -h 127.0.0.1 -p ${port}`) ? true : undefined,
  )
  const pids = before.workers.map(({ pid }) => String(pid))
  expect(new Set([await visit(), await visit()])).toEqual(new Set(pids))
  expect(await accepted()).toBe(2)

  process.kill(Number(pids[0]), 'SIGKILL')
  // Also those that are handed to the worker that has just died are served, by the other.
  const visits = await Promise.all(Array.from({ length: 20 }, () => visit()))
  expect(new Set(visits)).toEqual(new Set([pids[1]]))
  const after = await stateWhere(
    ({ workers }) => workers[0]?.restarts === 1 && workers[0].pid !== null,
  )
  expect(after.workers[1]?.pid).toBe(before.workers[1]?.pid)
  expect(after.monitor).toEqual(before.monitor)
  expect(await accepted()).toBe(22)

  child.kill('SIGTERM')
  expect(await exit).toBe(0)
  expect(output()).toContain('ended')
})

it('leaves the workers alone when the monitor dies', async () => {
  up('--workers', '1')
  const before = await stateWhere(
    ({ monitor, workers }) => monitor.pid !== null && workers[0]?.pid !== null,
  )
  process.kill(Number(before.monitor.pid), 'SIGKILL')
  const after = await stateWhere(({ monitor }) => monitor.restarts === 1 && monitor.pid !== null)
  expect(after.workers).toEqual(before.workers)
})

it('takes its parts with it when it is killed itself', async () => {
  const { child } = up('--workers', '1')
  const { monitor, workers } = await stateWhere(({ workers }) => workers[0]?.pid !== null)
  child.kill('SIGKILL')
  const isGone = async (): Promise<true | undefined> =>
    visit().then(
      () => undefined,
      () => true,
    )
  await until(isGone)
  for (const pid of [monitor.pid, workers[0]?.pid]) {
    await until(() => (isRunning(Number(pid)) ? undefined : true))
  }
})

it('says in one line that its port is taken, and exits with 1', async () => {
  const squatter = createServer().listen(port, '127.0.0.1')
  const { output, exit } = up('--workers', '1')
  expect(await exit).toBe(1)
  squatter.close()
  expect(output()).toContain(`switchmaster: 127.0.0.1:${port} is in use by another process`)
})

it('takes the place of a dead supervisor at its unix socket, and its workers leave it alone', async () => {
  const path = join(folder, 'clients.sock')
  const first = upAt(path, '--workers', '2')
  const isListening = ({ workers }: State): boolean =>
    workers.every(({ worker }) => worker !== undefined)
  await stateWhere(isListening)
  first.child.kill('SIGKILL')
  await first.exit

  upAt(path, '--workers', '2')
  const { workers } = await stateWhere(isListening)
  process.kill(Number(workers[0]?.pid), 'SIGKILL')
  await stateWhere((state) => state.workers[0]?.restarts === 1 && isListening(state))
  const visits = await Promise.all([visit({ path }), visit({ path })])
  expect(visits).toContain(String(workers[1]?.pid))

  const second = upAt(path, '--admin', 'off')
  expect(await second.exit).toBe(1)
  expect(second.output()).toContain(`switchmaster: ${path} is in use by another process`)
})

it('takes the place of a dead proxyd at its unix socket, but not that of a file', async () => {
  const path = join(folder, 'alone.sock')
  const alone = (): Run =>
    run('proxyd', '--listen', `unix:${path}`, '--workers', '1', '--admin', 'off')
  const first = alone()
  await until(() => (first.output().includes('ready') ? true : undefined))
  first.child.kill('SIGKILL')
  await first.exit
  const second = alone()
  await until(() => (second.output().includes('ready') ? true : undefined))
  expect(await visit({ path })).toBe(String(second.child.pid))

  second.child.kill('SIGTERM')
  expect(await second.exit).toBe(0)
  writeFileSync(path, 'precious')
  const third = alone()
  expect(await third.exit).toBe(1)
  expect(third.output()).toContain(`${path} is there already and is no socket`)
  expect(readFileSync(path, 'utf8')).toBe('precious')
})

it('exits with 2 on what it does not understand', async () => {
  for (const args of [
    ['up', '--hold-windw', '3s'],
    ['up', '--hold-window', 'soon'],
    ['monitor'],
    ['up', '--embedded', 'no'],
    ['check-config', '--workers', '0'],
    ['dance'],
  ]) {
    const { exit, output } = run(...args)
    expect([await exit, args, output().length > 0]).toEqual([2, args, true])
  }
  const fine = run('check-config', '--hold-window', '20s')
  expect(await fine.exit).toBe(0)
  expect(fine.output()).toContain('holdWindow: 20s')
})

/** Zombies that nobody has reaped yet do not run. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
