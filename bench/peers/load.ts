import type { Redis } from 'ioredis'

/** What the clients of one run met. */
export interface Tally {
  /** Writes and reads that were answered. */
  answered: number
  /** Connections that ended without the client having asked for it. */
  dropped: number
  /** Commands that were answered with an error which says that they were not executed, or why. */
  errors: number
  /** Writes of which the client cannot know whether they were executed. */
  inDoubt: number
  /** The longest that one command took, in milliseconds; also of those that never came back. */
  longestMs: number
}

/** A connection on which one command is under way at a time. */
export type Connect = () => Redis

interface Writer {
  readonly key: string
  /** Numbers whose RPUSH was acknowledged. */
  readonly acked: number[]
}

/** The clients of one run: each appends 1, 2, 3 … to a list of its own and reads now and then. */
export interface Load {
  readonly tally: Tally
  /** Ends it; resolves when no command is under way any more, or nobody will answer. */
  stop(): Promise<readonly Writer[]>
}

const readEvery = 4
const pauseMs = 20
const patienceMs = 1_000
const startTimeoutMs = 20_000

const delay = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Starts the clients; resolves when all of them are connected and have written once. */
export async function startLoad(connect: Connect, clients: number): Promise<Load> {
  const tally: Tally = { answered: 0, dropped: 0, errors: 0, inDoubt: 0, longestMs: 0 }
  let isOver = false
  const began = new Map<string, number>()

  async function timed(key: string, call: () => Promise<unknown>): Promise<boolean> {
    const start = performance.now()
    began.set(key, start)
    try {
      await call()
      tally.answered++
      return true
    } finally {
      began.delete(key)
      tally.longestMs = Math.max(tally.longestMs, performance.now() - start)
    }
  }

  async function run(writer: Writer): Promise<void> {
    let client = opened()
    for (let n = 1; !isOver; n++) {
      const isRead = n % readEvery === 0
      const call = (): Promise<unknown> =>
        isRead ? client.llen(writer.key) : client.rpush(writer.key, n)
      try {
        await timed(writer.key, call)
        if (!isRead) writer.acked.push(n)
      } catch (error) {
        count(error, isRead)
        await delay(pauseMs)
        if (client.status === 'end') client = opened()
      }
    }
    client.disconnect()
  }

  /** What the client saw: an answer with an error, or no answer. */
  function count(error: unknown, isRead: boolean): void {
    const text = error instanceof Error ? error.message : String(error)
    if (/^[A-Z]+ /.test(text) && !text.startsWith('INDOUBT')) tally.errors++
    else if (isRead) tally.errors++
    else tally.inDoubt++
  }

  function opened(): Redis {
    const client = connect()
    client.on('error', () => undefined)
    let wasReady = false
    client.on('ready', () => (wasReady = true))
    client.on('close', () => {
      if (wasReady && !isOver) tally.dropped++
      wasReady = false
    })
    return client
  }

  const writers = Array.from({ length: clients }, (_, n) => ({ key: `log:${n}`, acked: [] }))
  const runs = writers.map((writer) => run(writer))
  const deadline = performance.now() + startTimeoutMs
  while (writers.some(({ acked }) => acked.length === 0)) {
    if (performance.now() > deadline) throw new Error('not every client could write')
    await delay(pauseMs)
  }
  return {
    tally,
    async stop() {
      isOver = true
      await Promise.race([Promise.all(runs), delay(patienceMs)])
      for (const start of began.values()) {
        tally.longestMs = Math.max(tally.longestMs, performance.now() - start)
      }
      return writers
    },
  }
}

/** Holds what was acknowledged against what the master has. */
export async function audit(
  master: Redis,
  writers: readonly Writer[],
): Promise<{ readonly lost: number; readonly duplicated: number }> {
  let lost = 0
  let duplicated = 0
  for (const { key, acked } of writers) {
    const kept = await master.lrange(key, 0, -1)
    const found = new Set(kept)
    duplicated += kept.length - found.size
    lost += acked.filter((n) => !found.has(String(n))).length
  }
  return { lost, duplicated }
}
