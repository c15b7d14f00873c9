import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'
import { until } from './until.ts'

export interface Thawed {
  /** What it executed in its first turns: it lay in its sockets while it was frozen. */
  readonly commands: readonly string[]
  /** Of these, the ones of connections that had never spoken before. */
  readonly fromNewLinks: readonly string[]
}

const MARK = 'the-end-of-the-thaw'

/** Commands that are none of a client's. */
const OTHERS =
  /"(ping|info|role|publish|subscribe|client|config|replconf|psync|multi|exec|slaveof)"/i

/**
 * Sees through MONITOR what a frozen server executes in the moment in which it is thawed. To be
 * started before it freezes.
 */
export class ThawWitness {
  readonly #server: RedisServer
  readonly #monitor: RawClient
  readonly #speakers = new Set<string>()

  private constructor(server: RedisServer, monitor: RawClient) {
    this.#server = server
    this.#monitor = monitor
  }

  static async start(server: RedisServer): Promise<ThawWitness> {
    const monitor = await RawClient.connect(server.port)
    await monitor.command('MONITOR')
    return new ThawWitness(server, monitor)
  }

  /** To be called while it is frozen: notes all connections that have spoken so far. */
  async beforeThaw(): Promise<void> {
    for (const line of await this.#lines()) this.#speakers.add(speakerOf(line))
  }

  /** To be called when it has been thawed. */
  async afterThaw(): Promise<Thawed> {
    // At a second answer on one connection it has looked at every socket since the first.
    await this.#server.command('PING')
    await this.#server.command('PING')
    await this.#server.command('ECHO', MARK)
    const lines: string[] = []
    const seen = async (): Promise<boolean> => {
      lines.push(...(await this.#lines()))
      return lines.some((line) => line.includes(MARK))
    }
    await until(seen, { within: 5_000, what: 'MONITOR to show the end of the thaw' })
    const commands = lines.filter((line) => !OTHERS.test(line) && !line.includes(MARK))
    const isNew = (line: string): boolean => !this.#speakers.has(speakerOf(line))
    return { commands, fromNewLinks: commands.filter(isNew) }
  }

  stop(): Promise<void> {
    return this.#monitor.destroy()
  }

  async #lines(): Promise<string[]> {
    const frames = await this.#monitor.frames(this.#monitor.waiting)
    const lines = frames.map((frame) => frame.toString('latin1').trim().slice(0, 200))
    // What a script calls was sent by nobody; the script itself has a line too.
    return lines.filter((line) => speakerOf(line) !== 'lua')
  }
}

/** The address in a line of MONITOR. */
function speakerOf(line: string): string {
  return /\[\d+ (\S+)\]/.exec(line)?.[1] ?? ''
}
