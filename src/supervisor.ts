import { availableParallelism } from 'node:os'
import type { AdminAction, AdminSource, AdminVerb } from './admin/admin-source.ts'
import { systemClock } from './base/clock.ts'
import { ProxyError } from './base/errors.ts'
import type { Config } from './config/schema.ts'
import { Child } from './supervisor/child.ts'
import { launchProcess, launchWorker } from './supervisor/launch.ts'
import type { PartName, Report } from './supervisor/part.ts'
import { EndedTotals } from './supervisor/totals.ts'
import type { Logger } from './telemetry/logger.ts'
import { createMetrics } from './telemetry/metrics.ts'

export interface SupervisorOptions {
  readonly config: Config
  /** The unix socket where monitor and proxyd meet. */
  readonly feedPath: string
  /** The parts to run; workers of the data plane are started as often as configured. */
  readonly parts: readonly PartName[]
  /** Our own program, which the parts are started from. */
  readonly program: string
  readonly version: string
  readonly log: Logger
  /** Called at the first moment at which clients can be served. */
  readonly onReady: () => void
  readonly onChange: () => void
}

/** The parts of `up` under one roof: what dies is started again, the others go on. */
export interface Supervisor {
  readonly admin: AdminSource
  /** Ends all parts, the data plane first; what is left at the deadline is killed. */
  close(): Promise<void>
}

const failoverTimeoutMs = 60_000

/** A data plane that has closed its clients at the deadline still reports what became of them. */
const lastWordsMs = 1_000

/** How many data-plane processes: for `auto`, one on up to 2 cores, else half, at most 4. */
export function workerCount(configured: Config['workers']): number {
  if (configured !== 'auto') return configured
  const cores = availableParallelism()
  return cores <= 2 ? 1 : Math.min(4, Math.floor(cores / 2))
}

/** Resolves when all parts have started; rejects with the reason when one cannot. */
export async function supervise(options: SupervisorOptions): Promise<Supervisor> {
  const { config, parts } = options
  const ended = new EndedTotals()
  // Between the end of a part and its next start nothing else may keep this process alive.
  const alive = setInterval(() => undefined, 2 ** 30)
  let wasReady = false
  const children: Child[] = []
  const onReport = (): void => {
    options.onChange()
    if (wasReady || notReady(children) !== null) return
    wasReady = true
    options.onReady()
  }
  const create = (name: PartName, worker: number, workers: number): Child =>
    new Child({
      name,
      launch: () => (name === 'proxyd' ? launchWorker : launchProcess)(options.program, name),
      order: { kind: 'start', config, seat: { feedPath: options.feedPath, worker, workers } },
      log: options.log,
      clock: systemClock,
      onEnd: (last) => {
        ended.add(last)
      },
      onReport,
    })
  for (const name of parts) {
    const count = name === 'proxyd' ? workerCount(config.workers) : 1
    for (let worker = 0; worker < count; worker++) children.push(create(name, worker, count))
  }
  const close = async (): Promise<void> => {
    for (const child of children) child.expectEnd()
    for (const name of ['proxyd', 'monitor']) {
      const some = children.filter((child) => child.name === name)
      await Promise.all(some.map((child) => child.stop(config.shutdownTimeout + lastWordsMs)))
    }
    clearInterval(alive)
  }
  try {
    await Promise.all(children.map((child) => child.start()))
  } catch (error) {
    await close()
    throw error
  }
  return { admin: adminSource(options, children, ended), close }
}

/** null when at least one process of the data plane serves clients. */
function notReady(children: readonly Child[]): string | null {
  const workers = children.filter((child) => child.name === 'proxyd')
  const reasons = workers.map((child) =>
    child.report === null ? 'the data plane is being started' : child.report.notReady,
  )
  return reasons.includes(null) ? null : (reasons[0] ?? null)
}

function adminSource(
  options: SupervisorOptions,
  children: readonly Child[],
  ended: EndedTotals,
): AdminSource {
  const startedAt = performance.now()
  const reports = async (): Promise<Report[]> => {
    const all = await Promise.all(children.map((child) => child.freshReport()))
    return all.filter((report) => report !== null)
  }
  const metrics = createMetrics(
    {
      data: async () => [ended.data, ...(await reports()).flatMap(({ data }) => data ?? [])],
      control: async () => [
        ended.control,
        ...children.flatMap(({ report }) => report?.control ?? []),
      ],
    },
    options.version,
  )
  return {
    metrics,
    notReady: async () => {
      await reports()
      return notReady(children)
    },
    state: async () => {
      await reports()
      const reason = notReady(children)
      return {
        version: options.version,
        pid: process.pid,
        uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
        ready: reason === null,
        notReady: reason,
        monitor: children.filter(({ name }) => name === 'monitor').map(stateOf)[0] ?? null,
        workers: children.filter(({ name }) => name === 'proxyd').map(stateOf),
      }
    },
    actions: {
      hold: ask(children, 'hold'),
      release: ask(children, 'release'),
      failover: ask(children, 'failover'),
    },
  }
}

function stateOf(child: Child): object {
  return { pid: child.pid, restarts: child.restarts, ...child.report?.state }
}

/** Asks every part that can; refused when none can or one of them refuses. */
function ask(children: readonly Child[], verb: AdminVerb): AdminAction {
  return async (body) => {
    const able = children.filter((child) => child.can(verb))
    if (able.length === 0) throw new ProxyError('REFUSED', `no running part can ${verb}`)
    const answers = await Promise.all(able.map((child) => child.ask(verb, body, failoverTimeoutMs)))
    return { done: answers }
  }
}
