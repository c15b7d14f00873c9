import { Random } from '../random.ts'
import { RawClient } from '../raw-client.ts'
import { encode } from '../resp.ts'
import { until } from '../until.ts'
import { Book } from './book.ts'
import type { LostWrite, Stall } from './book.ts'
import { IncrClient, LuaClient, MultiClient, PipelineClient, SetGetClient } from './clients.ts'
import type { LoadClient, LoadContext } from './load-client.ts'
import { ChannelPair, ListPair } from './pairs.ts'

export type LoadKind = 'setGet' | 'incr' | 'pipeline' | 'multi' | 'lua' | 'list' | 'channel'

export interface LedgerOptions {
  readonly port: number
  /** Clients of each kind; the two kinds of pairs have two connections each. */
  readonly clients: Partial<Record<LoadKind, number>>
  readonly random?: Random
  /** Mean milliseconds between an answer and the next command of a client; 20 unless told. */
  readonly thinkMs?: number
  /** Names start with it, so that several ledgers can share a server. */
  readonly prefix?: string
}

export interface LedgerReport {
  readonly seed: number
  readonly connections: number
  readonly acked: number
  readonly inDoubt: number
  readonly readsInDoubt: number
  readonly refused: number
  /** Error replies other than in doubt and refused, by text. */
  readonly errors: Readonly<Record<string, number>>
  readonly dropped: readonly string[]
  readonly unanswered: readonly string[]
  readonly lost: readonly LostWrite[]
  /** Lost although acknowledged after the last change of master. */
  readonly lostAfterSwitch: readonly LostWrite[]
  readonly duplicated: readonly string[]
  readonly wrongOwner: readonly string[]
  /** Transactions that were not executed as a whole. */
  readonly torn: readonly string[]
  readonly impossible: readonly string[]
  readonly executedAfterLeaving: number
  readonly longestStall: Stall
  readonly messages: { readonly sent: number; readonly unheard: number; readonly lost: number }
  readonly popsLost: number
}

const MAKERS: Record<LoadKind, (name: string, context: LoadContext) => LoadClient> = {
  setGet: (name, context) => new SetGetClient(name, context),
  incr: (name, context) => new IncrClient(name, context),
  pipeline: (name, context) => new PipelineClient(name, context),
  multi: (name, context) => new MultiClient(name, context),
  lua: (name, context) => new LuaClient(name, context),
  list: (name, context) => new ListPair(name, context),
  channel: (name, context) => new ChannelPair(name, context),
}

/** Many clients, each with its own keys and its own sequence, and one book of what they saw. */
export class Ledger {
  readonly book = new Book()
  readonly context: LoadContext
  readonly #clients: LoadClient[] = []
  readonly #ghosts = new Map<string, RawClient>()
  readonly #prefix: string
  #unanswered: string[] = []

  constructor(options: LedgerOptions) {
    this.context = {
      port: options.port,
      book: this.book,
      random: options.random ?? new Random(Date.now()),
      thinkMs: options.thinkMs ?? 20,
    }
    this.#prefix = options.prefix ?? ''
    for (const [kind, make] of Object.entries(MAKERS)) {
      const count = options.clients[kind as LoadKind] ?? 0
      for (let n = 0; n < count; n += 1) {
        this.#clients.push(make(`${this.#prefix}${kind}${n}`, this.context))
      }
    }
  }

  /** Adds a client of another make (a real client library) that writes into the same book. */
  add(client: LoadClient): void {
    this.#clients.push(client)
  }

  get connections(): number {
    const pairs = this.#clients.filter(
      (each) => each instanceof ListPair || each instanceof ChannelPair,
    )
    return this.#clients.length + pairs.length
  }

  /** All clients are connected, then all begin. */
  async start(): Promise<void> {
    const up = (): boolean => this.#clients.every((client) => client.connected)
    await until(up, { within: 15_000, what: `${this.connections} clients to be connected` })
    for (const client of this.#clients) client.start()
  }

  /** Resolves when so many more commands have been acknowledged. */
  async progress(count: number, withinMs = 20_000): Promise<void> {
    const from = this.book.acked
    const enough = (): boolean => this.book.acked >= from + count
    await until(enough, { within: withinMs, what: `${count} more acknowledged commands` })
  }

  /** The test is about to change the master (or has just done so). */
  markSwitch(): void {
    this.book.marks.push(performance.now())
    for (const client of this.#clients) if (client instanceof ListPair) client.masterChanged()
  }

  /**
   * To be called while no master can answer: clients come and each writes to a key of its own. They
   * are to leave (`ghostsLeave`) before they could be answered; then it must never be executed.
   */
  async ghostsCome(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const key = `ledger:{${this.#prefix}ghost${this.#ghosts.size}}`
      const client = await RawClient.connect(this.context.port)
      this.#ghosts.set(key, client)
      await client.send(encode('SET', key, 'executed'))
    }
  }

  async ghostsLeave(): Promise<void> {
    for (const client of this.#ghosts.values()) await client.destroy()
  }

  /** Nothing new is issued; everything outstanding is waited for. What stays is unanswered. */
  async drain(withinMs = 20_000): Promise<void> {
    for (const client of this.#clients) client.pause()
    const idle = (): boolean => this.#clients.every((client) => client.idle)
    await until(idle, { within: withinMs, what: 'all commands to be answered' }).catch(() => {
      this.#unanswered = this.#clients.filter((each) => !each.idle).map((each) => each.name)
    })
  }

  /** Reads the surviving master and closes every client. After `drain`. */
  async audit(masterPort: number): Promise<LedgerReport> {
    const reader = await RawClient.connect(masterPort)
    try {
      for (const client of this.#clients) await client.audit(reader)
      for (const key of this.#ghosts.keys()) {
        if ((await reader.command('EXISTS', key)) !== 0) this.book.executedAfterLeaving += 1
      }
    } finally {
      await reader.destroy()
      this.leave()
    }
    return this.#report()
  }

  /** Closes every client, for the end of a test that failed. May be called twice. */
  leave(): void {
    for (const client of this.#clients) client.leave()
    for (const client of this.#ghosts.values()) client.socket.destroy()
  }

  #report(): LedgerReport {
    const book = this.book
    const last = book.marks.at(-1) ?? 0
    return {
      seed: this.context.random.seed,
      connections: this.connections,
      acked: book.acked,
      inDoubt: book.inDoubt,
      readsInDoubt: book.readsInDoubt,
      refused: book.refused,
      errors: Object.fromEntries(book.errors),
      dropped: book.dropped,
      unanswered: this.#unanswered,
      lost: book.lost,
      lostAfterSwitch: book.lost.filter((write) => write.ackedAt > last),
      duplicated: book.duplicated,
      wrongOwner: book.wrongOwner,
      torn: book.torn,
      impossible: book.impossible,
      executedAfterLeaving: book.executedAfterLeaving,
      longestStall: book.longest,
      messages: {
        sent: book.messagesSent,
        unheard: book.messagesUnheard,
        lost: book.messagesLost,
      },
      popsLost: book.popsLost,
    }
  }
}

/** The report in a few lines for the log of a run. */
export function summary(report: LedgerReport): string {
  return JSON.stringify({
    ...report,
    dropped: report.dropped.length,
    lost: report.lost.length,
    lostAfterSwitch: report.lostAfterSwitch.length,
    duplicated: report.duplicated.length,
    wrongOwner: report.wrongOwner.length,
    torn: report.torn.length,
    impossible: report.impossible.length,
    unanswered: report.unanswered.length,
    longestStall: `${Math.round(report.longestStall.ms)} ms (${report.longestStall.owner})`,
  })
}
