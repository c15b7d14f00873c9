import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { typeOf } from './client-kill.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'

/** CLIENT INFO: the server's own line about the link, with what is the client's put in. */
export function clientInfo(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, {
      observer: onWhole((reply, isError) => (isError ? reply : infoReply(session, reply))),
    })
    session.waits.forVerdict()
  })
}

/** The reply to CLIENT INFO with what is the client's put in. */
export function infoReply(session: Session, reply: Uint8Array): Uint8Array {
  return withText(reply, (text) => ownLine(session, text))
}

/**
 * CLIENT LIST: the line of a link that a client has for itself becomes that of the client; clients
 * on shared links get a line with what is known of them here. All other lines, those of the shared
 * links too, stay what they are.
 */
export function clientList(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    const { args } = request
    const bytes = withNumbers(session, args)
    const observer = onWhole((reply, isError) =>
      isError ? reply : listReply(session, args, reply),
    )
    session.send(request, { via: 'control', bytes, observer })
    session.waits.forVerdict()
  })
}

/** CLIENT LIST ID … with the numbers of the links of clients that have one. */
function withNumbers(session: Session, args: readonly Uint8Array[]): Uint8Array {
  if (wordAt(args, 2) !== 'id') return encodeRequest(args)
  const own = args.map((arg, i) => {
    const id = i < 3 ? undefined : parseInteger(arg)
    const number = id === undefined ? 0 : (session.context.find(id)?.serverId ?? 0)
    return number === 0 ? arg : Buffer.from(String(number))
  })
  return encodeRequest(own)
}

/** The reply to CLIENT LIST as the client should see it. */
export function listReply(
  session: Session,
  args: readonly Uint8Array[],
  reply: Uint8Array,
): Uint8Array {
  return withText(reply, (text) => {
    const lines = new Map<number, string>()
    for (const line of text.split('\n')) {
      const number = Number(/^id=(\d+)/.exec(line)?.[1] ?? 0)
      if (number !== 0) lines.set(number, line)
    }
    const shown =
      wordAt(args, 2) === 'id' ? chosen(session, args, lines) : everybody(session, args, lines)
    return shown.map((line) => `${line}\n`).join('')
  })
}

function chosen(
  session: Session,
  args: readonly Uint8Array[],
  lines: ReadonlyMap<number, string>,
): string[] {
  const ids = args.slice(3).map((arg) => parseInteger(arg) ?? 0)
  return ids.flatMap((id) => {
    const client = session.context.find(id)
    const line = client === undefined ? lines.get(id) : lineOf(client, lines)
    return line === undefined ? [] : [line]
  })
}

function everybody(
  session: Session,
  args: readonly Uint8Array[],
  lines: Map<number, string>,
): string[] {
  const type = args.length === 4 && wordAt(args, 2) === 'type' ? wordAt(args, 3) : null
  const isKnown = args.length === 2 || type !== null
  const laneLines: string[] = []
  for (const client of session.context.sessions()) {
    const { serverId } = client
    if (lines.has(serverId)) lines.set(serverId, lineOf(client, lines))
    else if (isKnown && (type === null || type === typeOf(client))) {
      laneLines.push(lineOf(client, lines))
    }
  }
  return [...lines.values(), ...laneLines]
}

function lineOf(client: Session, lines: ReadonlyMap<number, string>): string {
  const line = lines.get(client.serverId)
  return line === undefined ? sharedLine(client) : ownLine(client, line)
}

/** The server's line about the link of a client, with what is the client's put in. */
function ownLine(client: Session, line: string): string {
  const { peer, own } = client.addresses
  return line
    .replace(/^id=\d+/, `id=${String(client.id)}`)
    .replace(/ addr=\S+/, ` addr=${peer}`)
    .replace(/ laddr=\S+/, ` laddr=${own}`)
    .replace(/ name=\S*/, () => ` name=${client.state.name}`) // a name may hold a $
    .replace(/ age=\d+/, ` age=${ageOf(client)}`)
    .replace(/ (lib-name|lib-ver)=\S*/g, (_, field: string) => libraryField(client, field))
    .replace(/ redir=(\d+)/, (all) => client.tracking.redirField ?? all)
}

/** What is known of a client that shares its link; fields that only a connection has are left out. */
function sharedLine(client: Session): string {
  const { peer, own } = client.addresses
  const { state, subscriptions } = client
  const { identity, resp, db } = state.link
  return [
    `id=${String(client.id)}`,
    `addr=${peer}`,
    `laddr=${own}`,
    `name=${state.name}`,
    `age=${ageOf(client)}`,
    `flags=${subscriptions.size > 0 ? 'P' : 'N'}`,
    `db=${String(db)}`,
    `sub=${String(subscriptions.channels.size)}`,
    `psub=${String(subscriptions.patterns.size)}`,
    `ssub=${String(subscriptions.shards.size)}`,
    `multi=-1`,
    `user=${identity.name}`,
    `redir=-1`,
    `resp=${String(resp)}`,
    ...[...client.library.keys()].map((field) => libraryField(client, field).slice(1)),
  ].join(' ')
}

function libraryField(client: Session, field: string): string {
  return ` ${field}=${client.library.get(field) ?? ''}`
}

function ageOf(client: Session): string {
  return String(Math.floor((client.context.clock.now() - client.since) / 1000))
}

/** A bulk or verbatim string with another text in it. */
function withText(reply: Uint8Array, fn: (text: string) => string): Uint8Array {
  const whole = Buffer.from(reply).toString('latin1')
  const type = whole[0] ?? '$'
  const body = whole.slice(whole.indexOf('\r\n') + 2, -2)
  const format = type === '=' ? body.slice(0, 4) : ''
  const own = format + fn(body.slice(format.length))
  return Buffer.from(`${type}${String(own.length)}\r\n${own}\r\n`, 'latin1')
}
