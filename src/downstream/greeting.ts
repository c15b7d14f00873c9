import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import type { Identity } from '../dispatcher.ts'
import { isValidName, nameRefusal } from './client-commands.ts'
import { onWhole } from './observers.ts'
import type { Session } from './session.ts'
import type { Request } from './session-request.ts'

const plus = 0x2b

/** A HELLO whose options are in order (networking.c: helloCommand). */
export interface Hello {
  /** null: the version stays. */
  readonly resp: 2 | 3 | null
  /** The arguments of AUTH, user and password. */
  readonly auth: readonly Uint8Array[] | null
  readonly name: Uint8Array | null
}

/**
 * AUTH is tried on a link that is there for it: a wrong password then leaves the client what it
 * was, and the shared links of its old user are not touched.
 */
export function authenticate(session: Session, request: Request): void {
  const { args } = request
  if (args.length !== 2 && args.length !== 3) {
    session.send(request)
    session.waits.forVerdict()
    return
  }
  session.waits.whenIdle(() => {
    tryAuth(session, request, args.slice(1), (reply) => reply)
    session.waits.forVerdict()
  })
}

/**
 * HELLO: the options are checked here, since a server up to 7.0 carries out those before a wrong
 * one. AUTH is tried like any AUTH; the answer is the server's own, with the client's id in it.
 */
export function greet(session: Session, request: Request): void {
  const hello = parseHello(request.args)
  session.waits.whenIdle(() => {
    if (hello instanceof Uint8Array) {
      session.answer(hello)
    } else if (session.pinned !== null) {
      session.pinned.tainted = true
      session.send(request, { observer: helloObserver(session, hello) })
    } else if (hello.auth !== null) {
      tryAuth(session, request, hello.auth, (reply) => {
        if (reply[0] !== plus) return reply
        askHello(session, request, hello)
        return null
      })
    } else {
      askHello(session, request, hello)
    }
    session.waits.forVerdict()
  })
}

function tryAuth(
  session: Session,
  request: Request,
  auth: readonly Uint8Array[],
  then: (reply: Uint8Array) => Uint8Array | null,
): void {
  session.send(request, {
    via: 'prober',
    bytes: encodeRequest(['AUTH', ...auth]),
    observer: onWhole((reply) => {
      if (reply[0] === plus) {
        session.apply({ what: 'authenticated', identity: identityOf(auth) })
        if (session.pinned !== null) session.pinned.tainted = true
      }
      return then(reply)
    }),
  })
}

function askHello(session: Session, request: Request, hello: Hello): void {
  if (hello.name !== null && !isValidName(hello.name)) {
    session.answer(nameRefusal())
    return
  }
  session.send(request, {
    via: 'greeter',
    bytes: encodeRequest(['HELLO', hello.resp ?? session.state.link.resp]),
    observer: helloObserver(session, hello),
  })
}

function helloObserver(session: Session, hello: Hello): ReturnType<typeof onWhole> {
  return onWhole((reply, isError) => {
    if (isError) return reply
    if (hello.auth !== null) {
      session.apply({ what: 'authenticated', identity: identityOf(hello.auth) })
    }
    if (hello.resp !== null) session.apply({ what: 'protocol', resp: hello.resp })
    if (hello.name !== null) {
      session.apply({ what: 'named', name: Buffer.from(hello.name).toString('latin1') })
    }
    return withId(reply, session.id)
  })
}

const idField = Buffer.from('$2\r\nid\r\n:')

/** The reply to HELLO with another number behind `id`. */
export function withId(reply: Uint8Array, id: number): Uint8Array {
  const bytes = Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength)
  const at = bytes.indexOf(idField)
  if (at < 0) return reply
  const from = at + idField.length
  const to = bytes.indexOf('\r\n', from)
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(String(id)), bytes.subarray(to)])
}

const badVersion = Buffer.from('-ERR Protocol version is not an integer or out of range\r\n')
const noProto = Buffer.from('-NOPROTO unsupported protocol version\r\n')

/** The options of a HELLO, or the server's error for them. */
export function parseHello(args: readonly Uint8Array[]): Hello | Uint8Array {
  const version = args[1]
  if (version === undefined) return { resp: null, auth: null, name: null }
  const resp = parseInteger(version)
  if (resp === undefined) return badVersion
  if (resp !== 2 && resp !== 3) return noProto
  let auth: readonly Uint8Array[] | null = null
  let name: Uint8Array | null = null
  for (let i = 2; i < args.length;) {
    const option = wordAt(args, i)
    if (option === 'auth' && i + 2 < args.length) {
      auth = args.slice(i + 1, i + 3)
      i += 3
    } else if (option === 'setname' && i + 1 < args.length) {
      name = args[i + 1] as Uint8Array
      i += 2
    } else {
      const shown = Buffer.from(args[i] as Uint8Array).toString('latin1')
      return Buffer.from(`-ERR Syntax error in HELLO option '${shown}'\r\n`, 'latin1')
    }
  }
  return { resp, auth, name }
}

const identities = new Map<string, Identity>()

/** The one object for this verified user and secret, so that lanes are shared by it. */
export function identityOf(auth: readonly Uint8Array[]): Identity {
  const key = auth.map((part) => Buffer.from(part).toString('base64')).join(' ')
  let identity = identities.get(key)
  if (identity === undefined) {
    const user = auth.length > 1 ? (auth[0] as Uint8Array) : Buffer.from('default')
    const own = auth.map((part) => part.slice())
    identity = { name: Buffer.from(user).toString('latin1'), auth: own }
    identities.set(key, identity)
  }
  return identity
}
