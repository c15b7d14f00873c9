import type { Request, Session } from './session.ts'

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
