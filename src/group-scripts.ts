import type { Clock } from './base/clock.ts'
import { deferred } from './base/deferred.ts'
import { ProxyError, reasonOf } from './base/errors.ts'
import type { Generation, Identity } from './dispatcher.ts'
import type { Script, ScriptMemory } from './downstream/script-memory.ts'
import type { Reply } from './protocol/reply.ts'
import type { Logger } from './telemetry/logger.ts'
import { ask } from './upstream/ask.ts'

/** Nobody's EVALSHA is worth more of everybody's time. */
const patienceMs = 1_000

/** Scripts on the wire at once. */
const batch = 64

/** What came of it, for the log. */
export interface Loaded {
  readonly loaded: number
  readonly refused: number
  /** The first error; null where there was none. */
  readonly why: string | null
}

/**
 * Loads the scripts that are remembered on a new master, the one used last first, before anybody
 * else gets there. Never rejects: a script that is not there is answered with NOSCRIPT, which every
 * client of EVALSHA knows. `own` is whom the proxy is; where that is nobody and the master wants
 * AUTH, each script is loaded by the user who sent it.
 */
export async function loadScripts(
  generation: Generation,
  scripts: ScriptMemory,
  own: Identity,
  clock: Clock,
  log: Logger,
): Promise<Loaded> {
  const list = scripts.list()
  const result = { loaded: 0, refused: 0, why: null as string | null }
  if (list.length === 0) return result
  const time = deferred<never>()
  const cancel = clock.after(patienceMs, () => {
    time.reject(new ProxyError('LINK_TIMEOUT', `not within ${String(patienceMs)} ms`))
  })
  try {
    for (let at = 0; at < list.length; at += batch) {
      const some = list.slice(at, at + batch)
      const replies = Promise.all(some.map((script) => load(generation, script, own)))
      for (const error of await Promise.race([replies, time.promise])) {
        if (error === null) result.loaded++
        else result.refused++
        result.why ??= error
      }
    }
  } catch (thrown) {
    result.why ??= reasonOf(thrown)
  } finally {
    cancel()
  }
  const missing = list.length - result.loaded
  const facts = { loaded: result.loaded, missing, cause: result.why, address: generation.address }
  if (missing > 0) log.warn(facts, 'the new master does not know all scripts')
  else log.info(facts, 'the new master knows the scripts')
  return result
}

/** Why the server does not have the script; null: it has it now. */
async function load(
  generation: Generation,
  { body, identity }: Script,
  own: Identity,
): Promise<string | null> {
  const who = own.auth === null && generation.wantsAuth ? identity : own
  try {
    const reply = await ask(generation, who, ['SCRIPT', 'LOAD', body])
    return Buffer.isBuffer(reply) ? null : refusalOf(reply)
  } catch (thrown) {
    return reasonOf(thrown)
  }
}

function refusalOf(reply: Reply): string {
  const isError = typeof reply === 'object' && reply !== null && 'kind' in reply
  return isError && reply.kind === 'error' ? reply.message : 'no name was answered'
}
