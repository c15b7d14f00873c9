import { args } from '../protocol/request.ts'
import type { Traits } from '../routing/traits.ts'
import type { SessionContext } from './session-context.ts'
import type { Session } from './session.ts'
import { onOk } from './observers.ts'
import { scriptName } from './script-memory.ts'
import type { Observer } from './session-exchange.ts'
import type { Request } from './session-request.ts'

const minus = 0x2d
const asterisk = 0x2a

/** Does the command concern scripts, and otherwise travel like any plain one? */
export function isPlainScript({ verb }: Traits): boolean {
  return verb === 'script' || verb === 'script-use'
}

/** EVAL, EVAL_RO, SCRIPT LOAD: what the server accepts is remembered for the next master. */
export function script(session: Session, request: Request): void {
  const body = bodyOf(session.context, request.traits, request.args)
  session.send(request, body === null ? {} : { observer: onAccepted(session, body) })
}

/** EVALSHA, EVALSHA_RO, where a link is taken first (pool mode dedicated). */
export function scriptUse(session: Session, request: Request): void {
  const name = request.args[1]
  if (name !== undefined) session.context.scripts.touch(name)
  session.send(request)
}

/** SCRIPT FLUSH: never behind data, like all of its kind. */
export function scriptFlush(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    const observer = onOk(() => {
      session.context.scripts.forget()
    })
    session.send(request, { via: 'control', observer })
    session.waits.forVerdict()
  })
}

/** The script that a request carries; null where it carries none or nothing is to be remembered. */
export function bodyOf(
  { scripts }: SessionContext,
  { name, verb }: Traits,
  given: readonly Uint8Array[],
): Uint8Array | null {
  if (verb !== 'script' || !scripts.enabled) return null
  return given[name === 'script|load' ? 2 : 1] ?? null
}

/** As `bodyOf`, of a request that nobody has taken apart yet. */
export function bodyIn(
  context: SessionContext,
  traits: Traits,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | null {
  return traits.verb === 'script' ? bodyOf(context, traits, args(bytes, start, end)) : null
}

/**
 * Remembers a script once the server has taken it: it runs, or it fails while it runs, which the
 * server says with the name of the script.
 */
function onAccepted(session: Session, body: Uint8Array): Observer {
  let isFirst = true
  return {
    onFrame(frame) {
      if (isFirst && (frame[0] !== minus || names(frame, body))) remember(session, [body])
      isFirst = false
      return frame
    },
    onLost: () => false,
  }
}

function names(error: Uint8Array, body: Uint8Array): boolean {
  return Buffer.from(error).toString('latin1').includes(scriptName(body))
}

/** Remembers the scripts of a transaction when the reply to its EXEC, an array, begins. */
export function onExecuted(
  session: Session,
  bodies: readonly Uint8Array[],
  execIndex: number,
): Observer {
  let index = 0
  return {
    onFrame(frame) {
      // *-1: a watched key had changed, and nothing ran
      if (index++ === execIndex && frame[0] === asterisk && frame[1] !== minus) {
        remember(session, bodies)
      }
      return frame
    },
    onLost: () => false,
  }
}

function remember(session: Session, bodies: readonly Uint8Array[]): void {
  const { scripts } = session.context
  for (const body of bodies) scripts.remember(body, session.state.link.identity)
}
