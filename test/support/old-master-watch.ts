import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'

/** What Sentinel, replication, the harness and a proxy's own look-out send to a node that is no master. */
const ADMINISTRATION = new Set(
  [
    ...['ping', 'info', 'role', 'publish', 'subscribe', 'monitor', 'client', 'config', 'hello'],
    ...['replconf', 'psync', 'sync', 'slaveof', 'replicaof', 'multi', 'exec', 'auth', 'command'],
    ...['select', 'script', 'reset', 'quit'],
  ].map((name) => name),
)

/**
 * Watches a former master from the switch on. Two independent witnesses: MONITOR, which shows each
 * command, and the server's own counters by command, which cannot have a gap.
 */
export class OldMasterWatch {
  readonly #server: RedisServer
  readonly #monitor: RawClient
  readonly #before: ReadonlyMap<string, number>

  private constructor(
    server: RedisServer,
    monitor: RawClient,
    before: ReadonlyMap<string, number>,
  ) {
    this.#server = server
    this.#monitor = monitor
    this.#before = before
  }

  static async start(server: RedisServer): Promise<OldMasterWatch> {
    const monitor = await RawClient.connect(server.port)
    await monitor.command('MONITOR')
    return new OldMasterWatch(server, monitor, await callsOf(server))
  }

  /** Every client command that was seen since the start, in words; empty when there was none. */
  async strays(): Promise<string[]> {
    const found: string[] = []
    for (const frame of await this.#monitor.frames(this.#monitor.waiting)) {
      const line = frame.toString('latin1').trim()
      // What arrives over the link of replication is from the new master: its address is "?:0".
      const match = /^\+\d+\.\d+ \[\d+ (\S+)\] "([^"]+)"/.exec(line)
      if (match === null || match[1] === '?:0' || match[1] === 'lua') continue
      if (!ADMINISTRATION.has((match[2] ?? '').toLowerCase())) found.push(line.slice(0, 120))
    }
    if ((await this.#server.info('replication', 'role')) !== 'master') return found
    for (const [name, calls] of await callsOf(this.#server)) {
      const more = calls - (this.#before.get(name) ?? 0)
      const command = name.split('|')[0] ?? ''
      if (more > 0 && !ADMINISTRATION.has(command)) found.push(`${more} × ${name} by its counter`)
    }
    return found
  }

  stop(): Promise<void> {
    return this.#monitor.destroy()
  }
}

async function callsOf(server: RedisServer): Promise<Map<string, number>> {
  const calls = new Map<string, number>()
  const text = await server.command('INFO', 'commandstats')
  if (typeof text !== 'string') throw new Error('INFO commandstats')
  for (const match of text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    calls.set(match[1] ?? '', Number(match[2]))
  }
  return calls
}
