import type { AdminVerb } from '../admin/admin-source.ts'
import type { Clock } from '../base/clock.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Order, PartName, Report, Word } from './part.ts'

/** How a process ended; `failure` is the system's reason where it never ran at all. */
export interface ChildEnd {
  readonly status: number | null
  readonly signal: string | null
  readonly failure: string | null
}

/** What of a child process we need; both ChildProcess and a cluster's Worker can be made to fit. */
export interface ChildHandle {
  /** 0 where it never ran. */
  readonly pid: number
  send(order: Order): void
  kill(signal: NodeJS.Signals): void
  onWord(fn: (word: Word) => void): void
  /** Called once, also for a process that never ran. */
  onExit(fn: (end: ChildEnd) => void): void
}

export interface ChildOptions {
  readonly name: PartName
  /** May throw: that counts as an end like any other. */
  readonly launch: () => ChildHandle
  readonly order: Order
  readonly log: Logger
  readonly clock: Clock
  /** Its last report, when it has ended. */
  readonly onEnd: (last: Report | null) => void
  readonly onReport: () => void
}

const firstDelayMs = 100
const longestDelayMs = 10_000
/** Who has lived this long is taken for sound again. */
const soundAfterMs = 30_000
const askTimeoutMs = 1500
const startTimeoutMs = 30_000

interface Question {
  readonly resolve: (value: object) => void
  readonly reject: (error: ProxyError) => void
  readonly cancel: () => void
}

/** One part of `up`, started again with back-off whenever it dies. */
export class Child {
  readonly #options: ChildOptions
  readonly #questions = new Map<number, Question>()
  #handle: ChildHandle | null = null
  #verbs: readonly string[] = []
  #report: Report | null = null
  #startedAt = 0
  #delayMs = firstDelayMs
  #cancelRestart: (() => void) | null = null
  #lastId = 0
  #hasStarted = false
  #isStopping = false
  #onGone: () => void = () => undefined
  #restarts = 0

  constructor(options: ChildOptions) {
    this.#options = options
  }

  get name(): PartName {
    return this.#options.name
  }

  get pid(): number | null {
    return this.#handle?.pid ?? null
  }

  get restarts(): number {
    return this.#restarts
  }

  /** What it said last; null while it is not running. */
  get report(): Report | null {
    return this.#report
  }

  can(verb: AdminVerb): boolean {
    return this.#handle !== null && this.#hasStarted && this.#verbs.includes(verb)
  }

  /** Resolves when it has started for the first time; rejects when it says that it cannot. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#launch(resolve, reject)
    })
  }

  /** Its answer; the last report when it takes too long for a new one. */
  async freshReport(): Promise<Report | null> {
    if (this.#report === null) return null
    try {
      this.#report = (await this.ask('report', {})) as Report
    } catch {
      // It hangs or has just died: the last report stands.
    }
    return this.#report
  }

  ask(verb: AdminVerb | 'report', body: object, timeoutMs = askTimeoutMs): Promise<object> {
    const handle = this.#handle
    if (handle === null) {
      return Promise.reject(new ProxyError('REFUSED', `${this.name} is not running`))
    }
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeoutMs, () => {
        this.#questions.delete(id)
        reject(new ProxyError('REFUSED', `${this.name} did not answer in time`))
      })
      this.#questions.set(id, { resolve, reject, cancel })
      handle.send({ kind: 'ask', id, verb, body })
    })
  }

  /** From now on its end is no surprise: it is not started again. */
  expectEnd(): void {
    this.#isStopping = true
    this.#cancelRestart?.()
  }

  /** Asks it to finish; after `deadlineMs` it is killed. Resolves when it has ended. */
  stop(deadlineMs: number): Promise<void> {
    this.expectEnd()
    const handle = this.#handle
    if (handle === null) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(deadlineMs, () => {
        this.#options.log.warn({ child: this.name, childPid: handle.pid }, 'killed at the deadline')
        handle.kill('SIGKILL')
      })
      this.#onGone = () => {
        cancel()
        resolve()
      }
      // One that has not started serves nobody, and may not listen to us yet.
      if (this.#hasStarted) handle.send({ kind: 'stop' })
      else handle.kill('SIGKILL')
    })
  }

  #launch(onStarted: () => void, onFailed: (error: ProxyError) => void): void {
    this.#hasStarted = false
    this.#startedAt = this.#options.clock.now()
    const onEnd = (end: ChildEnd): void => {
      const why = end.failure === null ? 'ended at once' : `cannot run: ${end.failure}`
      onFailed(new ProxyError('REFUSED', `${this.name} ${why}`))
      this.#ended(end)
    }
    try {
      this.#handle = this.#options.launch()
    } catch (thrown) {
      onEnd({ status: null, signal: null, failure: reasonOf(thrown) })
      return
    }
    this.#attend(this.#handle, onStarted, onFailed, onEnd)
  }

  /** Listens to a process that was launched. */
  #attend(
    handle: ChildHandle,
    onStarted: () => void,
    onFailed: (error: ProxyError) => void,
    onEnd: (end: ChildEnd) => void,
  ): void {
    const { order, clock, log } = this.#options
    const cancelDeadline = clock.after(startTimeoutMs, () => {
      log.error({ child: this.name, childPid: handle.pid }, `${this.name} did not start in time`)
      handle.kill('SIGKILL')
    })
    handle.onWord((word) => {
      if (word.kind === 'hello') {
        handle.send(order)
      } else if (word.kind === 'started') {
        cancelDeadline()
        this.#hasStarted = true
        this.#verbs = word.verbs
        onStarted()
      } else if (word.kind === 'failed') {
        onFailed(new ProxyError('REFUSED', word.message))
        log.error({ child: this.name, childPid: handle.pid }, word.message)
        handle.kill('SIGKILL')
      } else {
        this.#hear(word)
      }
    })
    handle.onExit((end) => {
      cancelDeadline()
      onEnd(end)
    })
  }

  #hear(word: Word & { kind: 'report' | 'answer' | 'refusal' }): void {
    if (word.kind === 'report') {
      this.#report = word.report
      this.#options.onReport()
      return
    }
    const question = this.#questions.get(word.id)
    if (question === undefined) return
    this.#questions.delete(word.id)
    question.cancel()
    if (word.kind === 'answer') question.resolve(word.value)
    else question.reject(new ProxyError('REFUSED', word.message))
  }

  #ended(end: ChildEnd): void {
    const { log, clock, onEnd } = this.#options
    const pid = this.pid
    onEnd(this.#report)
    this.#handle = null
    this.#report = null
    for (const question of this.#questions.values()) {
      question.cancel()
      question.reject(new ProxyError('REFUSED', `${this.name} has ended`))
    }
    this.#questions.clear()
    this.#onGone()
    if (this.#isStopping) return
    if (clock.now() - this.#startedAt > soundAfterMs) this.#delayMs = firstDelayMs
    const facts = { child: this.name, pid, ...end, delayMs: this.#delayMs }
    log.error(facts, `${this.name} has ended; it is started again`)
    this.#cancelRestart = clock.after(this.#delayMs, () => {
      this.#restarts++
      this.#launch(
        () => log.info({ child: this.name, childPid: this.pid }, `${this.name} runs again`),
        () => undefined,
      )
    })
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs)
  }
}
