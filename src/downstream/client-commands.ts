import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { onOk, onWhole } from './observers.ts'
import type { Session } from './session.ts'
import { throughControl, withLink, type Request } from './session-request.ts'

const badName = Buffer.from(
  '-ERR Client names cannot contain spaces, newlines or special characters.\r\n',
)

/** networking.c: validateClientName: characters from '!' to '~' only. */
export function isValidName(name: Uint8Array): boolean {
  return name.every((byte) => byte >= 0x21 && byte <= 0x7e)
}

/** CLIENT SETNAME: the name is the session's, since the link is everybody's. */
export function setName(session: Session, request: Request): void {
  const name = request.args[2]
  if (name === undefined || request.args.length !== 3) {
    session.send(request) // the server words the error
  } else if (!isValidName(name)) {
    session.answer(badName)
  } else {
    session.apply({ what: 'named', name: Buffer.from(name).toString('latin1') })
    session.answer(Buffer.from('+OK\r\n'))
  }
}

/** The reply to a name that the server would refuse. */
export function nameRefusal(): Uint8Array {
  return badName
}

/** CLIENT GETNAME: the session's name. */
export function nameReply(session: Session): Uint8Array {
  const { name, link } = session.state
  const none = link.resp === 2 ? '$-1\r\n' : '_\r\n'
  const text = name === '' ? none : `$${String(name.length)}\r\n${name}\r\n`
  return Buffer.from(text, 'latin1')
}

/** CLIENT INFO: the server's own line about the link, with what is the client's put in. */
export function clientInfo(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, {
      observer: onWhole((reply, isError) => (isError ? reply : withOwnFields(session, reply))),
    })
    session.waits.forVerdict()
  })
}

/** The reply to CLIENT INFO with what is the client's put in. */
export function withOwnFields(session: Session, reply: Uint8Array): Uint8Array {
  const text = Buffer.from(reply).toString('latin1')
  const body = text.slice(text.indexOf('\r\n') + 2, -2)
  const own = body
    .replace(/\bid=\d+/, `id=${String(session.id)}`)
    .replace(/\baddr=\S+/, `addr=${session.peer}`)
    .replace(/\bname=\S*/, `name=${session.state.name}`)
  return Buffer.from(`${text[0] ?? '$'}${String(own.length)}\r\n${own}\r\n`, 'latin1')
}

/** A client of this process by the argument of CLIENT KILL ID or CLIENT UNBLOCK. */
function clientOf(session: Session, argument: Uint8Array | undefined): Session | undefined {
  const id = argument === undefined ? undefined : parseInteger(argument)
  return id === undefined ? undefined : session.context.find(id)
}

/**
 * CLIENT KILL of one of our clients (by the id or address that it knows of itself) is done here,
 * since to the server it is no connection. Every other filter is the server's business.
 */
export function clientKill(session: Session, request: Request): void {
  const value = request.args[3]
  const word = wordAt(request.args, 2)
  const isOld = request.args.length === 3
  const isNew = request.args.length === 4 && (word === 'id' || word === 'addr')
  let victim: Session | undefined
  if (isNew && word === 'id') victim = clientOf(session, value)
  else if (isNew && value !== undefined) victim = session.context.findPeer(wordAt(request.args, 3))
  else if (isOld) victim = session.context.findPeer(word)
  if (victim === undefined) {
    throughControl(session, request)
    return
  }
  session.answer(Buffer.from(isOld ? '+OK\r\n' : ':1\r\n'))
  if (victim === session) session.end('killed')
  else victim.close('killed')
}

const notBlocked = Buffer.from(':0\r\n')

/** CLIENT UNBLOCK: the server must hear the number of the link that is blocked. */
export function clientUnblock(session: Session, request: Request): void {
  const target = clientOf(session, request.args[2])
  if (target === undefined) {
    throughControl(session, request)
  } else if (target.waitsFor?.waitsInside !== true || target.pin.serverId === 0) {
    session.answer(notBlocked)
  } else {
    const args = [...request.args]
    args[2] = Buffer.from(String(target.pin.serverId))
    throughControl(session, { ...request, bytes: encodeRequest(args), args })
  }
}

const noRedirect = Buffer.from('-ERR The client ID you want redirect to does not exist\r\n')

/** CLIENT TRACKING: the invalidation table is per link; a redirect names another client's link. */
export function tracking(session: Session, request: Request): void {
  const at = request.args.findIndex((_, i) => i > 2 && wordAt(request.args, i) === 'redirect')
  const asked = at < 0 ? undefined : request.args[at + 1]
  const wanted = asked === undefined ? undefined : parseInteger(asked)
  if (wanted === undefined || wanted === 0) {
    track(session, request, null)
    return
  }
  const target = session.context.find(wanted)
  if (target === undefined) {
    session.answer(noRedirect)
    return
  }
  withLink(target, 'tracking', () => {
    const args = [...request.args]
    args[at + 1] = Buffer.from(String(target.pin.serverId))
    const translatedRequest = { ...request, bytes: encodeRequest(args), args }
    track(session, translatedRequest, { id: wanted, serverId: target.pin.serverId })
  })
}

function track(session: Session, request: Request, redirect: Session['redirect']): void {
  session.waits.pinned('tracking', () => {
    session.waits.whenIdle(() => {
      const on = wordAt(request.args, 2) === 'on'
      session.pin.tainted = true
      session.send(request, {
        observer: onOk(() => {
          session.redirect = on ? redirect : null
          session.trackingRequest = on ? request.bytes : null
          session.apply({ what: 'sticky', reason: 'tracking', on })
        }),
      })
      session.waits.forVerdict()
    })
  })
}

/** A reply that may show the number of the link that is redirected to: its client's id goes in. */
export function translated(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, {
      observer: onWhole((reply) => {
        const { redirect } = session
        if (redirect === null) return reply
        const text = Buffer.from(reply).toString('latin1')
        const shown = `:${String(redirect.serverId)}\r\n`
        return Buffer.from(text.replace(shown, `:${String(redirect.id)}\r\n`), 'latin1')
      }),
    })
    session.waits.forVerdict()
  })
}
