import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../base/address.ts'
import { addressKey } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'
import type { Guard } from './guard.ts'
import { redisCall } from './redis-call.ts'

/** One redis-server or sentinel of an embedded group. */
export interface ServerProcess {
  readonly kind: 'server' | 'sentinel'
  readonly address: Address
  readonly confPath: string
  readonly logPath: string
  child: ChildProcess
}

export interface ServerPlan {
  readonly kind: 'server' | 'sentinel'
  readonly name: string
  readonly folder: string
  readonly guard: Guard
  readonly password: string | undefined
  /** The lines of the configuration file beside port, bind and dir. */
  readonly lines: readonly string[]
}

const startAttempts = 5
const startTimeoutMs = 10_000

/** Starts a server on a free loopback port; takes another port when somebody snatches it. */
export async function startServer(plan: ServerPlan): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const address = { host: '127.0.0.1', port: await freePort() }
    const confPath = join(plan.folder, `${plan.name}.conf`)
    const logPath = join(plan.folder, `${plan.name}.log`)
    const common = [`port ${address.port}`, 'bind 127.0.0.1', `dir "${plan.folder}"`]
    writeFileSync(confPath, [...common, 'daemonize no', ...plan.lines, ''].join('\n'), {
      mode: 0o600,
    })
    const server: ServerProcess = {
      kind: plan.kind,
      address,
      confPath,
      logPath,
      child: launch(plan.kind, confPath, logPath, plan.guard),
    }
    try {
      await untilAnswers(server, plan.password)
      return server
    } catch (error) {
      server.child.kill('SIGKILL')
      const snatched = readFileSync(logPath, 'utf8').includes('Address already in use')
      if (!snatched || attempt === startAttempts) throw error
    }
  }
}

/** Starts the same server again on its port, with what its configuration file says by now. */
export async function restartServer(
  server: ServerProcess,
  guard: Guard,
  password: string | undefined,
): Promise<void> {
  if (isAlive(server.child)) return
  server.child = launch(server.kind, server.confPath, server.logPath, guard)
  await untilAnswers(server, password)
}

export function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** In a process group of its own, so that Ctrl-C at the terminal reaches us and not the servers. */
function launch(
  kind: 'server' | 'sentinel',
  confPath: string,
  logPath: string,
  guard: Guard,
): ChildProcess {
  const log = openSync(logPath, 'a', 0o600)
  // `redis-server --sentinel` is what redis-sentinel is; it needs one package less.
  const args = kind === 'sentinel' ? [confPath, '--sentinel'] : [confPath]
  const child = spawn('redis-server', args, { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  const { pid } = child
  child.on('error', () => undefined)
  if (pid !== undefined) {
    guard.add(pid)
    child.once('exit', () => {
      guard.remove(pid)
    })
  }
  return child
}

async function untilAnswers(server: ServerProcess, password: string | undefined): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline) {
    if (server.child.pid === undefined) {
      throw new ProxyError('REFUSED', 'redis-server is not on the PATH: install it first')
    }
    if (!isAlive(server.child)) break
    try {
      // The port may answer because it is somebody else's: our own child must still live after it.
      const pong = await redisCall(server.address, ['PING'], { password, timeoutMs: 500 })
      if (pong === 'PONG' && isAlive(server.child)) return
    } catch {
      // Not listening yet.
    }
    await delay(20)
  }
  const where = addressKey(server.address)
  const lastLines = readFileSync(server.logPath, 'utf8').trim().split('\n').slice(-3).join(' | ')
  throw new ProxyError('REFUSED', `redis-server on ${where} did not start: ${lastLines}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      server.close(() => {
        if (port === undefined) reject(new Error('no port'))
        else resolve(port)
      })
    })
  })
}
