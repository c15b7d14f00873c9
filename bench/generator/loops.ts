import { createHistogram } from 'node:perf_hooks'
import { openPeers, requests, type Peer } from './peer.ts'
import type { Word } from './spec.ts'

interface LoopSpec {
  readonly port: number
  readonly clients: number
  readonly pipeline: number
  readonly valueBytes: number
  readonly seconds: number
}

/** What a client sends next: the bytes, the frames they are answered with, the commands in them. */
interface Step {
  readonly bytes: Buffer
  readonly frames: number
  readonly commands: number
}

const warmUpMs = 300

/** Counts commands and notes latencies, from the end of the warm-up on. */
class Meter {
  readonly #histogram = createHistogram()
  readonly #seconds: number
  #commands = 0
  #began = 0

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  count(commands: number, ms: number): void {
    if (this.#began === 0) return
    this.#commands += commands
    this.#histogram.record(Math.max(1, Math.round(ms * 1000)))
  }

  /** Lets the load run; says when the measured time begins, and at its end what was measured. */
  async run(): Promise<void> {
    await pause(warmUpMs)
    say({ says: 'begin' })
    this.#began = performance.now()
    await pause(this.#seconds * 1000)
    const seconds = (performance.now() - this.#began) / 1000
    const histogram = this.#histogram
    say({
      says: 'end',
      commands: this.#commands,
      perSecond: this.#commands / seconds,
      p50Ms: histogram.percentile(50) / 1000,
      p99Ms: histogram.percentile(99) / 1000,
      p999Ms: histogram.percentile(99.9) / 1000,
    })
  }
}

/** GET and SET in turns; one request in ten is a transaction of two commands in one write. */
export async function runMixed(spec: LoopSpec): Promise<void> {
  const value = 'x'.repeat(spec.valueBytes)
  const steps = (client: number): Step[] => {
    const key = `key:${String(client).padStart(12, '0')}`
    const get = { bytes: requests(['GET', key]), frames: 1, commands: 1 }
    const set = { bytes: requests(['SET', key, value]), frames: 1, commands: 1 }
    const transaction = {
      bytes: requests(['MULTI'], ['INCR', `${key}:n`], ['SET', key, value], ['EXEC']),
      frames: 4,
      commands: 4,
    }
    return [get, set, get, set, get, set, get, set, get, transaction]
  }
  await runSteps(spec, steps)
}

/** WATCH, and when it is answered a transaction: what needs a link of its own for a moment. */
export async function runLease(spec: LoopSpec): Promise<void> {
  const steps = (client: number): Step[] => {
    const key = `lease:${client}`
    return [
      { bytes: requests(['WATCH', key]), frames: 1, commands: 1 },
      { bytes: requests(['MULTI'], ['INCR', key], ['EXEC']), frames: 3, commands: 3 },
    ]
  }
  await runSteps(spec, steps)
}

async function runSteps(spec: LoopSpec, stepsOf: (client: number) => Step[]): Promise<void> {
  const meter = new Meter(spec.seconds)
  const peers = await openPeers(spec.port, spec.clients)
  for (const [index, peer] of peers.entries()) loop(peer, stepsOf(index), index, meter)
  await meter.run()
}

/** The client's own endless round; each begins somewhere else in it. */
function loop(peer: Peer, steps: readonly Step[], offset: number, meter: Meter): void {
  let at = offset
  let left = 0
  let sent = 0
  let step: Step | undefined
  const next = (): void => {
    step = steps[at++ % steps.length]
    if (step === undefined) return
    left = step.frames
    sent = performance.now()
    peer.socket.write(step.bytes)
  }
  peer.onFrame(() => {
    if (--left > 0) return
    meter.count(step?.commands ?? 0, performance.now() - sent)
    next()
  })
  next()
}

/**
 * One publisher, all others subscribe. `pipeline` messages are published at once, and the next
 * when the last subscriber has the last of them. A command is a message at one subscriber.
 */
export async function runFanOut(spec: LoopSpec): Promise<void> {
  const meter = new Meter(spec.seconds)
  const [publisher, ...subscribers] = await openPeers(spec.port, spec.clients + 1)
  if (publisher === undefined) throw new Error('no publisher')
  await Promise.all(subscribers.map((peer) => peer.ask(requests(['SUBSCRIBE', 'news']), 1)))
  const message = ['PUBLISH', 'news', 'x'.repeat(spec.valueBytes)]
  const batch = requests(...Array.from({ length: spec.pipeline }, () => message))
  const messages = subscribers.length * spec.pipeline
  let left = 0
  let sent = 0
  const next = (): void => {
    left = messages + spec.pipeline
    sent = performance.now()
    publisher.socket.write(batch)
  }
  const onFrame = (): void => {
    if (--left > 0) return
    meter.count(messages, performance.now() - sent)
    next()
  }
  for (const peer of [publisher, ...subscribers]) peer.onFrame(onFrame)
  next()
  await meter.run()
}

export function say(word: Word): void {
  process.stdout.write(`${JSON.stringify(word)}\n`)
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
