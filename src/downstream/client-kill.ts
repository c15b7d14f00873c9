import { parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'

/** The filters of a CLIENT KILL (networking.c: clientCommand); those not given match everybody. */
interface Filters {
  id?: number | undefined
  addr?: string
  laddr?: string
  user?: string
  type?: string
  minAgeMs?: number
  skipMe: boolean
}

/**
 * CLIENT KILL. The server checks it and ends those connections of its own that it means. One of our
 * clients, which to the server is no connection, is meant by the id or the address that it knows of
 * itself: it is closed here. All other filters hit links, which their clients outlive.
 */
export function clientKill(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    const observer = onWhole((reply) => killed(session, request.args, reply).reply)
    session.send(request, { via: 'control', observer })
    session.waits.forVerdict()
  })
}

const ok = Buffer.from('+OK\r\n')

/** What the server's reply to a CLIENT KILL becomes when the clients of ours that it means are closed. */
export function killed(
  session: Session,
  args: readonly Uint8Array[],
  reply: Uint8Array,
): { readonly reply: Uint8Array; readonly isSuicide: boolean } {
  const isOld = args.length === 3
  const text = Buffer.from(reply).toString('latin1')
  const isCarriedOut = isOld ? /^(\+OK|-ERR No such client)\r\n$/.test(text) : text.startsWith(':')
  const victims = isCarriedOut ? victimsOf(session, args) : []
  if (victims.length === 0) return { reply, isSuicide: false }
  for (const victim of victims) {
    if (victim === session) victim.end('killed')
    else victim.close('killed')
  }
  const count = Number(text.slice(1, -2)) + victims.length
  return {
    reply: isOld ? ok : Buffer.from(`:${String(count)}\r\n`),
    isSuicide: victims.includes(session),
  }
}

function victimsOf(session: Session, args: readonly Uint8Array[]): Session[] {
  const filters = filtersOf(args)
  if (filters === null || (filters.id === undefined && filters.addr === undefined)) return []
  const all = filters.id === undefined ? session.context.sessions() : one(session, filters.id)
  const victims = [...all].filter((each) => matches(each, filters))
  return filters.skipMe ? victims.filter((each) => each !== session) : victims
}

function one(session: Session, id: number): Session[] {
  const found = session.context.find(id)
  return found === undefined ? [] : [found]
}

function matches(session: Session, filters: Filters): boolean {
  const { addr, laddr, user, type, minAgeMs } = filters
  const { peer, own } = session.addresses
  return (
    (addr === undefined || addr === peer) &&
    (laddr === undefined || laddr === own) &&
    (user === undefined || user === session.state.link.identity.name) &&
    (type === undefined || type === typeOf(session)) &&
    (minAgeMs === undefined || session.context.clock.now() - session.since >= minAgeMs)
  )
}

/** The type of a client as CLIENT KILL and CLIENT LIST have it (networking.c: getClientType). */
export function typeOf(session: Session): 'normal' | 'pubsub' {
  return session.subscriptionCount > 0 ? 'pubsub' : 'normal'
}

/** null: an option that we do not know; what it means is for the server to say. */
function filtersOf(args: readonly Uint8Array[]): Filters | null {
  if (args.length === 3) return { addr: textAt(args, 2), skipMe: false }
  const filters: Filters = { skipMe: true }
  for (let i = 2; i + 1 < args.length; i += 2) {
    const value = textAt(args, i + 1)
    const word = wordAt(args, i)
    if (word === 'id') filters.id = parseInteger(args[i + 1] ?? new Uint8Array(0))
    else if (word === 'addr' || word === 'laddr' || word === 'user') filters[word] = value
    else if (word === 'type') filters.type = value.toLowerCase()
    else if (word === 'skipme') filters.skipMe = value.toLowerCase() === 'yes'
    else if (word === 'maxage') filters.minAgeMs = Number(value) * 1000
    else return null
  }
  return filters
}

function textAt(args: readonly Uint8Array[], index: number): string {
  return Buffer.from(args[index] ?? new Uint8Array(0)).toString('latin1')
}
