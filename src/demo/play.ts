import { ProxyError } from '../base/errors.ts'
import { Load, clientCount } from './load.ts'
import type { Frame, Screen } from './screen.ts'
import { Tally } from './tally.ts'

/** How the master changes. */
export type Change = 'switchover' | 'kill'

/** The group and the proxy, as the play needs them. */
export interface Stage {
  /** As the admin door of `up` shows it. */
  state(): Promise<object>
  /** Rejects with a ProxyError that says why not. */
  switchOver(): Promise<object>
  /** `host:port` */
  kill(master: string): void
  pause(ms: number): Promise<void>
}

export interface Play {
  readonly change: Change
  readonly seconds: number
  readonly port: number
  readonly screen: Screen | null
  readonly stage: Stage
}

/** How it ended. */
export interface DemoReport {
  readonly change: Change
  readonly seconds: number
  readonly clients: number
  readonly masterBefore: string
  readonly masterAfter: string
  /** From the change until the gate was open again, in milliseconds; null: it never was. */
  readonly changedInMs: number | null
  readonly acked: number
  readonly errors: Readonly<Record<string, number>>
  readonly refused: number
  readonly inDoubt: number
  readonly lost: number
  readonly duplicated: number
  readonly torn: number
  readonly dropped: number
  readonly unanswered: number
  readonly longestStallMs: number
  readonly messages: { readonly published: number; readonly heard: number }
  /** kept, or what was broken */
  readonly verdict: string
}

/** What one look at the proxy shows. */
interface Look {
  readonly master: string
  readonly gate: string
  readonly held: number
}

const frameMs = 250
/** The monitor waits for its data planes to find it before it changes anything. */
const leastLeadMs = 2_500
/** So long the end waits for a gate that is still shut. */
const answeredWithinMs = 20_000

/** One demonstration, from the first client to the audit. */
export async function play(options: Play): Promise<DemoReport> {
  const performed = new Performance(options)
  try {
    return await performed.run()
  } finally {
    performed.close()
  }
}

class Performance {
  readonly #play: Play
  readonly #tally = new Tally()
  readonly #load: Load
  readonly #events: string[] = []
  #startedAt = 0
  #askedAt = 0
  #changing: Promise<void> | null = null
  #changedInMs: number | null = null

  constructor(options: Play) {
    this.#play = options
    this.#load = new Load(options.port, this.#tally)
  }

  async run(): Promise<DemoReport> {
    const { stage, seconds } = this.#play
    await this.#load.start()
    this.#startedAt = performance.now()
    const before = await look(stage)
    const changeAt = Math.max(leastLeadMs, (seconds * 1_000) / 3)
    while (this.#ms() < seconds * 1_000) {
      const acked = this.#tally.acked
      const from = performance.now()
      await stage.pause(frameMs)
      if (this.#changing === null && this.#ms() >= changeAt) this.#begin(before.master)
      const now = await look(stage)
      this.#notice(before, now)
      const perSecond = ((this.#tally.acked - acked) * 1_000) / (performance.now() - from)
      this.#play.screen?.show(this.#frame(now, perSecond))
    }
    await this.#changing
    this.#load.pause()
    const after = await this.#settled(before)
    const unanswered = this.#load.outstanding
    await this.#load.audit(Number(after.master.split(':').pop()))
    return this.#report(before, after, unanswered)
  }

  close(): void {
    this.#load.close()
  }

  #ms(): number {
    return performance.now() - this.#startedAt
  }

  #tell(text: string): void {
    this.#events.push(`${(this.#ms() / 1_000).toFixed(1)} s  ${text}`)
  }

  #begin(master: string): void {
    const { change, stage } = this.#play
    this.#askedAt = performance.now()
    if (change === 'kill') {
      this.#tell(`kill -9 ${master}`)
      stage.kill(master)
      this.#changing = Promise.resolve()
      return
    }
    this.#tell('planned switchover is asked for')
    this.#changing = stage.switchOver().then(
      () => undefined,
      (error: unknown) => {
        if (!(error instanceof ProxyError)) throw error
        this.#tell(`given up: ${error.message}`)
      },
    )
  }

  #notice(before: Look, now: Look): void {
    if (this.#changedInMs !== null || now.master === before.master || now.gate !== 'open') return
    this.#changedInMs = Math.round(performance.now() - this.#askedAt)
    this.#tell(`clients are served by ${now.master}`)
  }

  /** Everything that was sent is answered, or the time for that is over. */
  async #settled(before: Look): Promise<Look> {
    const deadline = performance.now() + answeredWithinMs
    for (;;) {
      const now = await look(this.#play.stage)
      this.#notice(before, now)
      const isQuiet = this.#load.outstanding === 0 && now.gate === 'open'
      if (isQuiet || performance.now() > deadline) return now
      await this.#play.stage.pause(frameMs)
    }
  }

  #frame(now: Look, perSecond: number): Frame {
    const { change, seconds } = this.#play
    const { acked, errorCount, refused, inDoubt, dropped, longestStallMs } = this.#tally
    return {
      ...now,
      title: change === 'kill' ? 'the master is killed' : 'planned switchover',
      seconds: this.#ms() / 1_000,
      ofSeconds: seconds,
      perSecond,
      ...{ acked, inDoubt, dropped, longestStallMs },
      errors: errorCount + refused,
      clients: clientCount,
      events: this.#events,
    }
  }

  #report(before: Look, after: Look, unanswered: number): DemoReport {
    const { change, seconds } = this.#play
    const { acked, refused, inDoubt, lost, duplicated, torn, dropped } = this.#tally
    const { longestStallMs, published, heard, errors } = this.#tally
    const report = {
      ...{ change, seconds, clients: clientCount },
      masterBefore: before.master,
      masterAfter: after.master,
      changedInMs: this.#changedInMs,
      ...{ acked, refused, inDoubt, lost, duplicated, torn, dropped, unanswered },
      errors: Object.fromEntries(errors),
      longestStallMs: Math.round(longestStallMs),
      messages: { published, heard },
    }
    return { ...report, verdict: verdictOn(report) }
  }
}

/** What was promised: never a closed connection; when planned, nothing lost, and no error either. */
export function verdictOn(report: Omit<DemoReport, 'verdict'>): string {
  const { change, dropped, duplicated, torn, unanswered, lost, inDoubt, refused, errors } = report
  const broken: string[] = []
  const none = (what: string, count: number): void => {
    if (count > 0) broken.push(`${String(count)} ${what}`)
  }
  if (report.changedInMs === null) broken.push('the master did not change')
  none('connections dropped', dropped)
  none('writes executed twice', duplicated)
  none('transactions torn', torn)
  none('commands without an answer', unanswered)
  none('errors', Object.values(errors).reduce((sum, count) => sum + count, 0) + refused)
  if (change === 'switchover') {
    none('acknowledged writes lost', lost)
    none('commands in doubt', inDoubt)
  }
  return broken.length === 0 ? 'kept' : `broken: ${broken.join(', ')}`
}

async function look(stage: Stage): Promise<Look> {
  const state = (await stage.state()) as {
    readonly workers?: readonly { readonly groups?: Readonly<Record<string, GroupState>> }[]
  }
  const group = Object.values(state.workers?.[0]?.groups ?? {})[0]
  const { name = 'starting', reason = null } = group?.gate ?? {}
  return {
    master: group?.upstream ?? 'none',
    gate: reason === null ? name : `${name} (${reason})`,
    held: group?.held ?? 0,
  }
}

interface GroupState {
  readonly gate: { readonly name: string; readonly reason: string | null }
  readonly upstream: string | null
  readonly held: number
}
