import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { onOk } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'

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

/** CLIENT SETINFO: kept by the session as well, since the link is everybody's. */
export function setInfo(session: Session, request: Request): void {
  const observer = onOk(() => {
    noteInfo(session, request.args)
  })
  session.send(request, { observer })
}

/** The server has accepted a CLIENT SETINFO. */
export function noteInfo(session: Session, args: readonly Uint8Array[]): void {
  const value = Buffer.from(args[3] ?? new Uint8Array(0)).toString('latin1')
  session.library = new Map(session.library).set(wordAt(args, 2), value)
}

/** A client of this process by the argument that is its id. */
export function clientOf(session: Session, argument: Uint8Array | undefined): Session | undefined {
  const id = argument === undefined ? undefined : parseInteger(argument)
  return id === undefined ? undefined : session.context.find(id)
}

/** CLIENT UNBLOCK: the server must hear the number of the link that is blocked. */
export function clientUnblock(session: Session, request: Request): void {
  session.waits.whenIdle(() => {
    session.send(request, { via: 'control', bytes: unblockBytes(session, request.args) })
    session.waits.forVerdict()
  })
}

/**
 * CLIENT UNBLOCK for the link on which its client is blocked at this moment. Of one that is not
 * blocked the id stays: no connection of the server has it, so that it answers 0.
 */
export function unblockBytes(session: Session, args: readonly Uint8Array[]): Uint8Array {
  const number = blockedLink(clientOf(session, args[2]))
  if (number === 0) return encodeRequest(args)
  const own = [...args]
  own[2] = Buffer.from(String(number))
  return encodeRequest(own)
}

/** The number of the link on which the client waits inside the server; 0: it does not. */
export function blockedLink(client: Session | undefined): number {
  return client?.waitsFor?.waitsInside === true ? client.serverId : 0
}
