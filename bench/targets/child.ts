import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { redisCall } from '../../src/embedded/redis-call.ts'
import { placed, type Place } from './placement.ts'

/** A process that the benchmark started and will end. */
export interface Child {
  readonly pid: number
  readonly process: ChildProcess
  /** SIGTERM, and SIGKILL after two seconds. */
  stop(): Promise<void>
}

const startTimeoutMs = 15_000
const stopTimeoutMs = 2_000
const children = new Set<ChildProcess>()

// Whatever ends the benchmark, nothing stays behind.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Starts a program at its place; its error output goes to ours. */
export function start(
  place: Place,
  command: string,
  args: readonly string[],
  stdio: StdioOptions = ['ignore', 'ignore', 'inherit'],
): Child {
  const child = spawn(...placed(place, command, args), { stdio })
  children.add(child)
  const ended = new Promise<void>((done) => {
    child.once('exit', () => {
      children.delete(child)
      done()
    })
    child.once('error', () => {
      children.delete(child)
      done()
    })
  })
  return {
    pid: child.pid ?? 0,
    process: child,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** A port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}

/** Resolves when GET is answered on this port; PING is not known to every proxy. */
export async function untilAnswers(name: string, port: number, child: Child): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  for (;;) {
    try {
      const reply = await redisCall({ host: '127.0.0.1', port }, ['GET', 'nothing'])
      if (reply === null) return
    } catch {
      // Not listening yet.
    }
    if (child.process.exitCode !== null) throw new Error(`${name} ended at its start`)
    if (performance.now() > deadline) throw new Error(`${name} does not answer on port ${port}`)
    await delay(50)
  }
}
