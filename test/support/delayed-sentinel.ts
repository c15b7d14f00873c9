import { startFakeRedis, bulk } from './fake-redis.ts'
import type { FakeAnswer, FakeRedis, FakeRequest } from './fake-redis.ts'
import { RawClient } from './raw-client.ts'
import type { RedisServer } from './redis-server.ts'

/**
 * A sentinel that is behind: it answers as a real one answered when it last caught up, and publishes
 * what and when the test likes. Bytes of the real one are passed on as they were.
 */
export class DelayedSentinel {
  readonly #real: RedisServer
  readonly #questions: readonly (readonly string[])[]
  readonly #fake: FakeRedis
  readonly #subscribers = new Set<number>()
  #answers: ReadonlyMap<string, string> = new Map()

  private constructor(real: RedisServer, group: string, fake: FakeRedis) {
    this.#real = real
    this.#fake = fake
    this.#questions = [
      ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group],
      ['SENTINEL', 'MASTER', group],
      ['SENTINEL', 'SLAVES', group],
      ['SENTINEL', 'SENTINELS', group],
      ['SENTINEL', 'MYID'],
      ['INFO', 'SENTINEL'],
    ]
    fake.script = (request) => this.#answer(request)
  }

  static async start(real: RedisServer, group: string): Promise<DelayedSentinel> {
    const delayed = new DelayedSentinel(real, group, await startFakeRedis())
    await delayed.catchUp()
    return delayed
  }

  get port(): number {
    return this.#fake.port
  }

  /** From now on it answers as the real one does at this moment. */
  async catchUp(): Promise<void> {
    const client = await RawClient.connect(this.#real.port)
    const answers = new Map<string, string>()
    try {
      for (const question of this.#questions) {
        await client.send(`*${question.length}\r\n${question.map(bulk).join('')}`)
        const [frame] = await client.frames(1)
        answers.set(question.join(' ').toUpperCase(), frame?.toString('latin1') ?? '')
      }
    } finally {
      await client.destroy()
    }
    this.#answers = answers
  }

  /** An event to all who have subscribed. */
  publish(channel: string, payload: string): void {
    for (const connection of this.#subscribers) {
      this.#fake.write(
        connection,
        `*4\r\n${['pmessage', '*', channel, payload].map(bulk).join('')}`,
      )
    }
  }

  stop(): Promise<void> {
    return this.#fake.stop()
  }

  #answer({ name, args, connection }: FakeRequest): FakeAnswer | undefined {
    if (name === 'PSUBSCRIBE') {
      this.#subscribers.add(connection)
      return `*3\r\n${bulk('psubscribe')}${bulk('*')}:1\r\n`
    }
    if (name === 'PING' && this.#subscribers.has(connection)) {
      return `*2\r\n${bulk('pong')}${bulk('')}`
    }
    return this.#answers.get([name, ...args].join(' ').toUpperCase())
  }
}
