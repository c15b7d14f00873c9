import type { SessionVerb } from '../routing/traits.ts'

const linkOnlyVerbs: ReadonlySet<SessionVerb> = new Set([
  'auth',
  'hello',
  'select',
  'multi',
  'discard',
  'watch',
  'unwatch',
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
  'wait',
])

/**
 * Does the command change nothing but the connection it is sent on? Then it may be sent again on
 * another one whatever became of it; WAIT, which changes nothing at all, is answered by the session
 * then. EXEC is what runs a transaction: before it, nothing of it has.
 */
export function isLinkOnly(verb: SessionVerb | null, inTransaction: boolean): boolean {
  if (inTransaction) return verb !== 'exec'
  return verb !== null && linkOnlyVerbs.has(verb)
}
