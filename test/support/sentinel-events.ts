import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'
import { parse } from './resp.ts'
import type { Reply } from './resp.ts'
import { until } from './until.ts'

export interface SentinelEvent {
  readonly name: string
  readonly payload: string
  /** Of the sentinel that published it. */
  readonly port: number
  /** `performance.now()` at its arrival here. */
  readonly at: number
}

/** Everything that some sentinels publish, from the start on. */
export class SentinelEvents {
  readonly seen: SentinelEvent[] = []
  /** Called for each event at its arrival. */
  onEvent: (event: SentinelEvent) => void = () => undefined
  readonly #clients: RawClient[] = []
  #stopped = false

  static async listen(sentinels: readonly RedisServer[]): Promise<SentinelEvents> {
    const events = new SentinelEvents()
    for (const { port } of sentinels) {
      const client = await RawClient.connect(port)
      events.#clients.push(client)
      await client.command('PSUBSCRIBE', '*')
      void events.#read(client, port)
    }
    return events
  }

  /** The first event of this name, whoever publishes it. */
  first(name: string, withinMs = 20_000): Promise<SentinelEvent> {
    const find = (): SentinelEvent | undefined => this.seen.find((event) => event.name === name)
    return until(find, { within: withinMs, every: 5, what: `a sentinel to publish ${name}` })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#clients.map((client) => client.destroy()))
  }

  async #read(client: RawClient, port: number): Promise<void> {
    while (!this.#stopped) {
      // A sentinel may be frozen or killed: then nothing more comes.
      const [frame] = await client.frames(1, 3_600_000).catch(() => [])
      if (frame === undefined) return
      const reply = parse(frame)
      const [, , name, payload] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
      if (typeof name !== 'string' || typeof payload !== 'string') continue
      const event = { name, payload, port, at: performance.now() }
      this.seen.push(event)
      this.onEvent(event)
    }
  }
}

/** The port in the payload of an event about one instance: `slave 127.0.0.1:1 127.0.0.1 1 @ …`. */
export function portIn(event: SentinelEvent): number {
  return Number(event.payload.split(' ')[3])
}
