import { isReplyError, textOf } from '../protocol/reply.ts'
import { DemoClient } from './client.ts'
import type { Command, Reply } from './client.ts'
import { Counter, Queue } from './tally.ts'
import type { Tally } from './tally.ts'

/** How many clients of each kind; the numbers that a terminal can still make sense of. */
export const cast = { singles: 50, transactions: 5, subscribers: 5 } as const
/** The publisher, the producer and the one who waits for it come on top. */
export const clientCount = cast.singles + cast.transactions + cast.subscribers + 3

const thinkMs = 4
const slowThinkMs = 50

/** Compares what was acknowledged with what the master itself has at the end. */
type Audit = (master: DemoClient) => Promise<void>

/** The clients of the demonstration, all on one port. */
export class Load {
  readonly #tally: Tally
  readonly #port: number
  readonly #clients: DemoClient[] = []
  /** These may wait for ever by their nature. */
  readonly #patient = new Set<DemoClient>()
  readonly #audits: Audit[] = []
  #isPaused = false

  constructor(port: number, tally: Tally) {
    this.#port = port
    this.#tally = tally
  }

  /** Resolves when everybody is connected and at work. */
  async start(): Promise<void> {
    for (let n = 0; n < cast.singles; n++) this.#single(await this.#client(), n)
    for (let n = 0; n < cast.transactions; n++) this.#transaction(await this.#client(), n)
    for (let n = 0; n < cast.subscribers; n++) await this.#subscriber(await this.#client())
    this.#publisher(await this.#client())
    this.#list(await this.#client(), await this.#client())
  }

  /** Nothing new is sent. */
  pause(): void {
    this.#isPaused = true
  }

  /** Commands that should have been answered. */
  get outstanding(): number {
    const waiting = this.#clients.filter((client) => !this.#patient.has(client))
    return waiting.reduce((sum, client) => sum + client.outstanding, 0)
  }

  async audit(masterPort: number): Promise<void> {
    const master = await DemoClient.connect(masterPort)
    for (const audit of this.#audits) await audit(master)
    master.leave()
  }

  close(): void {
    this.pause()
    for (const client of this.#clients) client.leave()
  }

  async #client(): Promise<DemoClient> {
    const client = await DemoClient.connect(this.#port)
    client.onDrop = () => {
      this.#tally.dropped++
    }
    this.#clients.push(client)
    return client
  }

  /** Commands again and again, each time after a moment. */
  #loop(
    client: DemoClient,
    pauseMs: number,
    next: () => readonly Command[],
    judge: (replies: readonly Reply[]) => void,
  ): void {
    const turn = (): void => {
      if (this.#isPaused) return
      const sentAt = performance.now()
      client.send(next(), (replies) => {
        this.#tally.waited(performance.now() - sentAt)
        judge(replies)
        setTimeout(turn, pauseMs * (0.5 + Math.random()))
      })
    }
    setTimeout(turn, Math.random() * pauseMs)
  }

  /** Whether a reply is an acknowledgement; its error is entered, `doubt` called where it may be. */
  #isAcked(reply: Reply | undefined, doubt: () => void = () => undefined): boolean {
    if (reply !== undefined && isReplyError(reply)) {
      if (this.#tally.failed(reply.message)) doubt()
      return false
    }
    this.#tally.acked++
    return true
  }

  /** INCR of its counter, then SET and GET of its own key, in turn. */
  #single(client: DemoClient, n: number): void {
    const counter = new Counter(`demo:counter:${String(n)}`, this.#tally)
    const key = `demo:text:${String(n)}`
    let turn = 0
    let written: string | null = null
    const next = (): readonly Command[] => {
      const verb = turn++ % 3
      if (verb === 0) return [['INCR', counter.key]]
      return [verb === 1 ? ['SET', key, String(turn)] : ['GET', key]]
    }
    this.#loop(client, thinkMs, next, ([reply]) => {
      const verb = (turn - 1) % 3
      const doubt = (): void => {
        if (verb === 0) counter.doubt()
        else written = null
      }
      if (!this.#isAcked(reply, doubt)) return
      if (verb === 0) counter.acknowledge(Number(reply))
      else if (verb === 1) written = String(turn)
      else if (written !== null && textOf(reply) !== written) {
        this.#tally.lost++
        written = null
      }
    })
    this.#audits.push(async (master) => {
      counter.audit(Number(textOf(await master.ask('GET', counter.key)) ?? 0))
      if (written !== null && textOf(await master.ask('GET', key)) !== written) this.#tally.lost++
    })
  }

  /** Two counters in one transaction: always equal. */
  #transaction(client: DemoClient, n: number): void {
    const counter = new Counter(`demo:left:${String(n)}`, this.#tally)
    const right = `demo:right:${String(n)}`
    const commands = [['MULTI'], ['INCR', counter.key], ['INCR', right], ['EXEC']]
    this.#loop(
      client,
      thinkMs,
      () => commands,
      (replies) => {
        const reply = replies[3]
        const isAcked = this.#isAcked(reply, () => {
          counter.doubt()
        })
        if (!isAcked) return
        const [left, other] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
        if (left !== other) this.#tally.torn++
        counter.acknowledge(Number(left))
      },
    )
    this.#audits.push(async (master) => {
      const left = Number(textOf(await master.ask('GET', counter.key)) ?? 0)
      const other = Number(textOf(await master.ask('GET', right)) ?? 0)
      if (left !== other) this.#tally.torn++
      counter.audit(left)
    })
  }

  async #subscriber(client: DemoClient): Promise<void> {
    await client.ask('SUBSCRIBE', 'demo:news')
    client.onMessage = () => {
      this.#tally.heard++
    }
  }

  #publisher(client: DemoClient): void {
    const next = (): readonly Command[] => [['PUBLISH', 'demo:news', 'hello']]
    this.#loop(client, slowThinkMs, next, ([reply]) => {
      if (this.#isAcked(reply)) this.#tally.published++
    })
  }

  /** One who waits in BLPOP for what another pushes. */
  #list(producer: DemoClient, consumer: DemoClient): void {
    const queue = new Queue('demo:queue', this.#tally)
    let n = 0
    const next = (): readonly Command[] => [['RPUSH', queue.key, ++n]]
    this.#loop(producer, slowThinkMs, next, ([reply]) => {
      if (this.#isAcked(reply)) queue.push(n)
    })
    this.#patient.add(consumer)
    const wait = (): void => {
      consumer.send([['BLPOP', queue.key, 0]], ([reply]) => {
        if (this.#isAcked(reply) && Array.isArray(reply)) {
          queue.pop(Number(textOf((reply as readonly Reply[])[1])))
        }
        wait()
      })
    }
    wait()
    this.#audits.push(async (master) => {
      const left = await master.ask('LRANGE', queue.key, 0, -1)
      queue.audit(
        (Array.isArray(left) ? (left as readonly Reply[]) : []).map((each) => Number(textOf(each))),
      )
    })
  }
}
