import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CLI, ensureBuilt } from './build.ts'
import { Child } from './child.ts'
import { freePort } from './ports.ts'
import { commandLine, descendants, residentBytes } from './processes.ts'
import { until } from './until.ts'

export type Part = 'supervisor' | 'monitor' | 'proxyd'

export interface ProxyOptions {
  /** `host:port,…` */
  readonly sentinels: string
  readonly masterName?: string
  /** `up`: one supervised process tree. `split`: monitor and proxyd started apart by the harness. */
  readonly mode?: 'up' | 'split'
  readonly workers?: number
  /** Further command line arguments of the data plane. */
  readonly args?: readonly string[]
  /** False: do not wait for /readyz. */
  readonly ready?: boolean
}

/** The product as real processes on free loopback ports. */
export class Proxy {
  readonly port: number
  readonly adminPort: number
  readonly #dir: string
  readonly #commands = new Map<Part, readonly string[]>()
  readonly #children = new Map<Part, Child>()

  private constructor(port: number, adminPort: number, monitorPort: number, options: ProxyOptions) {
    this.port = port
    this.adminPort = adminPort
    this.#dir = mkdtempSync(join(tmpdir(), 'switchmaster-proxy-'))
    const feed = ['--feed', `unix:${join(this.#dir, 'feed.sock')}`]
    const name = ['--master-name', options.masterName ?? 'mymaster']
    const group = ['--sentinels', options.sentinels, ...name]
    const front = ['--listen', `127.0.0.1:${port}`, '--workers', String(options.workers ?? 1)]
    const admin = ['--admin', `127.0.0.1:${adminPort}`]
    const more = options.args ?? []
    if (options.mode === 'split') {
      const own = ['--admin', `127.0.0.1:${monitorPort}`]
      this.#commands.set('monitor', ['monitor', ...group, ...feed, ...own])
      this.#commands.set('proxyd', ['proxyd', ...front, ...admin, ...group, ...feed, ...more])
    } else {
      this.#commands.set('supervisor', ['up', ...front, ...admin, ...group, ...feed, ...more])
    }
  }

  static async start(options: ProxyOptions): Promise<Proxy> {
    await ensureBuilt()
    const proxy = new Proxy(await freePort(), await freePort(), await freePort(), options)
    for (const part of proxy.#commands.keys()) proxy.#launch(part)
    if (options.ready === false) return proxy
    try {
      await proxy.ready()
    } catch (error) {
      await proxy.stop()
      throw new Error(`the proxy did not become ready:\n${proxy.logs()}`, { cause: error })
    }
    return proxy
  }

  /** Waits until /readyz answers 200. */
  async ready(withinMs = 15_000): Promise<void> {
    const answered = async (): Promise<boolean> => {
      const [child] = this.#children.values()
      if (child?.exit !== undefined) throw new Error('the proxy has ended')
      return (await this.#get('/readyz')).ok
    }
    await until(answered, { within: withinMs, every: 50, what: '/readyz to answer 200' })
  }

  /** The JSON of /state. */
  async state(): Promise<Readonly<Record<string, unknown>>> {
    return (await (await this.#get('/state')).json()) as Record<string, unknown>
  }

  /** The samples of /metrics; the key is the name with its labels as printed. */
  async metrics(): Promise<Map<string, number>> {
    const samples = new Map<string, number>()
    const text = await (await this.#get('/metrics')).text()
    for (const line of text.split('\n')) {
      const match = /^([a-z_]+(?:\{.*\})?) (\S+)/.exec(line)
      if (match?.[1] !== undefined) samples.set(match[1], Number(match[2]))
    }
    return samples
  }

  /** The sum of all samples of one metric over its labels. */
  async metric(name: string): Promise<number> {
    let sum = 0
    for (const [key, value] of await this.metrics()) {
      if (key === name || key.startsWith(`${name}{`)) sum += value
    }
    return sum
  }

  /** Sends a signal to every process of a part. Answers with how many there were. */
  signal(part: Part, signal: NodeJS.Signals): number {
    const pids = this.#pids(part)
    for (const pid of pids) process.kill(pid, signal)
    return pids.length
  }

  /** SIGKILL of a part; under `up` its supervisor may start it again. */
  async kill(part: Part): Promise<void> {
    const pids = this.#pids(part)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const gone = (): boolean => pids.every((pid) => commandLine(pid) === '')
    await until(gone, { within: 5_000, what: `${part} to be gone` })
  }

  /** Starts a killed part again; only in mode `split`. */
  restart(part: Part): void {
    this.#launch(part)
  }

  child(part: Part): Child {
    const child = this.#children.get(part)
    if (child === undefined) throw new Error(`${part} was not started by the harness`)
    return child
  }

  /** Resident memory of all its processes, in bytes. */
  residentBytes(): number {
    let total = 0
    for (const child of this.#children.values()) total += residentBytes(child.pid)
    return total
  }

  logs(): string {
    const parts = [...this.#children].map(([part, child]) => `--- ${part}\n${child.output()}`)
    return parts.join('\n')
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.stop()))
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #launch(part: Part): void {
    const args = this.#commands.get(part)
    if (args === undefined) throw new Error(`${part} is not started by the harness in this mode`)
    const argv = ['--enable-source-maps', CLI, ...args]
    this.#children.set(part, new Child(process.execPath, argv, cleanEnvironment()))
  }

  #pids(part: Part): number[] {
    const own = this.#children.get(part)
    if (own !== undefined) return own.exit === undefined ? [own.pid] : []
    const supervisor = this.child('supervisor')
    const found = descendants(supervisor.pid).filter((pid) => commandLine(pid).includes(part))
    if (found.length === 0) throw new Error(`no process of ${part} below ${supervisor.pid}`)
    return found
  }

  #get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, {
      signal: AbortSignal.timeout(5_000),
      headers: { connection: 'close' },
    })
  }
}

/** The variables of this process without those that the product (and the tests) would read. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('SWITCHMASTER_')))
}
