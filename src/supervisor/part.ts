import type { AdminAction, AdminVerb } from '../admin/admin-source.ts'
import type { Config } from '../config/schema.ts'
import type { ControlPlaneCounters, DataPlaneCounters } from '../telemetry/counters.ts'
import type { Logger } from '../telemetry/logger.ts'

/** The parts of `up`, each a process. */
export type PartName = 'monitor' | 'proxyd'

/** A part of the data plane has the one, the monitor has the other. */
export interface PartCounters {
  readonly data: DataPlaneCounters | null
  readonly control: ControlPlaneCounters | null
}

/** A running part, as the process around it sees it. */
export interface Part {
  /** For people and /state; plain data. */
  state(): object
  /** null when it does its work, else the reason why not. */
  notReady(): string | null
  /** What it counts, with its gauges brought up to date. */
  counters(): PartCounters
  readonly actions: Readonly<Partial<Record<AdminVerb, AdminAction>>>
  /** Graceful; the deadline is the caller's. */
  close(): Promise<void>
}

/** What a part is given beside the configuration. */
export interface PartDeps {
  readonly log: Logger
  /** The unix socket where monitor and proxyd meet. */
  readonly feedPath: string
  /** Which of how many processes of its kind this is; the first is 0. */
  readonly worker: number
  readonly workers: number
  /** To be called when state() or notReady() says something new that is worth showing at once. */
  readonly changed: () => void
}

/** What of PartDeps can be sent to another process. */
export type Seat = Pick<PartDeps, 'feedPath' | 'worker' | 'workers'>

/** Rejects when the part cannot begin at all, e.g. because its port is taken. */
export type StartPart = (config: Config, deps: PartDeps) => Promise<Part>

export type Parts = Readonly<Record<PartName, StartPart>>

/** What a part says of itself to its supervisor. */
export interface Report extends PartCounters {
  readonly state: object
  readonly notReady: string | null
}

export function reportOf(part: Part): Report {
  return { ...part.counters(), state: part.state(), notReady: part.notReady() }
}

/** Supervisor → part. */
export type Order =
  | { readonly kind: 'start'; readonly config: Config; readonly seat: Seat }
  | {
      readonly kind: 'ask'
      readonly id: number
      readonly verb: AdminVerb | 'report'
      readonly body: object
    }
  | { readonly kind: 'stop' }

/** Part → supervisor. */
export type Word =
  /** It listens now: a word sent to a worker before this is lost. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'started'; readonly verbs: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'answer'; readonly id: number; readonly value: object }
  | { readonly kind: 'refusal'; readonly id: number; readonly message: string }
