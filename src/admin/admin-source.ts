import type { Metrics } from '../telemetry/metrics.ts'

/** What the admin door shows and does; it comes in as functions, so that no room is imported. */
export interface AdminSource {
  /** Everything there is to see, as JSON; never a secret. */
  state(): Promise<object> | object
  /** null when clients can be served, else the reason why not. */
  notReady(): Promise<string | null> | string | null
  readonly metrics: Metrics
  /** What a token holder may ask for; a verb that this process cannot do is left out. */
  readonly actions: Readonly<Partial<Record<AdminVerb, AdminAction>>>
}

export type AdminVerb = 'hold' | 'release' | 'failover'

/**
 * Does the verb for the groups that the body names (all, where it names none). Resolves with what
 * was done; a ProxyError REFUSED becomes status 409 with its sentence.
 */
export type AdminAction = (body: Readonly<Record<string, unknown>>) => Promise<object>
