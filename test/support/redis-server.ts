import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ownChild } from './leaks.ts'
import { freePort } from './ports.ts'
import { RawClient } from './raw-client.ts'
import { isFault } from './resp.ts'
import type { Arg, Reply } from './resp.ts'
import { until } from './until.ts'

export interface RedisServerOptions {
  readonly port?: number
  /** Lines of the configuration file, each `name value…`. */
  readonly config?: readonly string[]
  /** How the harness itself logs in: `[password]` or `[user, password]`. */
  readonly auth?: readonly string[]
  /** Runs as a sentinel: no dataset directives are written. */
  readonly sentinel?: boolean
}

/**
 * One real redis-server (or sentinel) on loopback with a directory of its own. The harness keeps one
 * administrative connection to it, which is not counted by `clientCount`.
 */
export class RedisServer {
  readonly port: number
  readonly dir: string
  readonly #options: RedisServerOptions
  #child: ChildProcess | undefined
  #admin: RawClient | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #log = ''

  constructor(port: number, options: RedisServerOptions) {
    this.port = port
    this.#options = options
    this.dir = mkdtempSync(join(tmpdir(), `switchmaster-redis-${port}-`))
    this.#writeConfig()
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`redis on port ${this.port} does not run`)
    return pid
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** The end of what the server wrote to its log, for failures. */
  log(): string {
    return this.#log
  }

  /** Starts the process and waits until it answers. Replaying of files (LOADING) is waited for too. */
  async start(): Promise<void> {
    const args = [join(this.dir, 'redis.conf')]
    if (this.#options.sentinel === true) args.push('--sentinel')
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString('latin1')).slice(-32_768)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    ownChild(child)
    this.#child = child
    const ready = async (): Promise<boolean> => {
      if (!this.running) throw new Error(`redis on port ${this.port} exited:\n${this.#log}`)
      return (await this.command('PING')) === 'PONG'
    }
    await until(ready, { within: 10_000, what: `redis on port ${this.port} to answer` })
  }

  /** An administrative command, directly to this server. Commands of several callers take turns. */
  async command(...args: readonly Arg[]): Promise<Reply> {
    const mine = this.#turn.then(() => this.#command(args))
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #command(args: readonly Arg[]): Promise<Reply> {
    if (this.#admin === undefined || this.#admin.ended) {
      await this.#admin?.destroy()
      this.#admin = undefined
      const client = await RawClient.connect(this.port, { patience: 10_000 })
      if (this.#options.auth !== undefined) await client.command('AUTH', ...this.#options.auth)
      this.#admin = client
    }
    return this.#admin.command(...args)
  }

  /** One field of INFO, or '' when it is not there. */
  async info(section: string, field: string): Promise<string> {
    const text = await this.command('INFO', section)
    if (typeof text !== 'string') throw new Error(`INFO: ${JSON.stringify(text)}`)
    const line = text.split('\r\n').find((candidate) => candidate.startsWith(`${field}:`))
    return line === undefined ? '' : line.slice(field.length + 1)
  }

  /** The lines of CLIENT LIST without the harness's own connection and without replicas. */
  async clientLines(): Promise<string[]> {
    const own = Number(await this.command('CLIENT', 'ID'))
    const list = await this.command('CLIENT', 'LIST', 'TYPE', 'NORMAL')
    const subscribers = await this.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB')
    if (typeof list !== 'string' || typeof subscribers !== 'string') throw new Error('CLIENT LIST')
    const lines = (list + subscribers).split('\n').filter((line) => line.startsWith('id='))
    return lines.filter((line) => !line.startsWith(`id=${own} `))
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** SIGKILL, and the process is gone when this resolves. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await gone
    await this.#closeAdmin()
  }

  /** Starts it again on the same port with the files it left; kills it first if it still runs. */
  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** Ends the process and removes its directory. */
  async stop(): Promise<void> {
    await this.#closeAdmin()
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #closeAdmin(): Promise<void> {
    await this.#admin?.destroy()
    this.#admin = undefined
  }

  #writeConfig(): void {
    const data = ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0', 'databases 16']
    const lines = [
      `port ${this.port}`,
      'bind 127.0.0.1',
      `dir ${this.dir}`,
      'protected-mode no',
      ...(this.#options.sentinel === true ? [] : data),
      ...(this.#options.config ?? []),
    ]
    writeFileSync(join(this.dir, 'redis.conf'), `${lines.join('\n')}\n`)
  }
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(options.port ?? (await freePort()), options)
  try {
    await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** Sends commands to a server and fails on the first fault: for setting a stage. */
export async function prepare(
  server: RedisServer,
  commands: readonly (readonly Arg[])[],
): Promise<void> {
  for (const command of commands) {
    const reply = await server.command(...command)
    if (isFault(reply)) throw new Error(`${command.join(' ')}: ${reply.fault}`)
  }
}
