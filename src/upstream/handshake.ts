import RedisParser from 'redis-parser'
import { ProxyError } from '../base/errors.ts'
import { encodeRequest } from '../protocol/request.ts'
import { ReplyFramer } from '../protocol/reply-framer.ts'
import type { LinkState } from '../dispatcher.ts'

/** What a new link must do before it may carry commands. */
export interface HandshakePlan {
  readonly state: LinkState
  /** The name under which the link stands in CLIENT LIST, or '' for none. */
  readonly clientName: string
  /** Ask for the run_id as well (INFO server), and whether it has loaded its data (PING). */
  readonly wantRunId: boolean
  /** Ask for the number that the link has on the server. */
  readonly wantClientId: boolean
}

/** What the server said of itself. Empty where its ACL does not let us see it. */
export interface Greeting {
  readonly role: string
  readonly runId: string
  readonly version: string
  readonly clientId: number
  /** ROLE was refused with NOAUTH. */
  readonly wantsAuth: boolean
}

/** `redis-parser` hands errors over as Error objects with the server's line as message. */
type Rejection = Error & { code?: string }

/**
 * The conversation at the start of a link: AUTH, CLIENT SETNAME, ROLE, SELECT in RESP2 (read by
 * redis-parser), then HELLO 3 where the lane speaks RESP3. A link is refused unless the node says
 * that it is a master; a node that will not say (NOPERM, NOAUTH) is believed, since the view named it.
 */
export class Handshake {
  readonly #plan: HandshakePlan
  readonly #expects: ('auth' | 'name' | 'role' | 'info' | 'ping' | 'id' | 'select')[] = []
  readonly #parser: RedisParser
  readonly #hello = new ReplyFramer()
  #helloHeld: Uint8Array[] = []
  #phase: 'resp2' | 'hello' | 'done' = 'resp2'
  #role = ''
  #runId = ''
  #version = ''
  #clientId = 0
  #wantsAuth = false
  #failure: ProxyError | null = null

  constructor(plan: HandshakePlan) {
    this.#plan = plan
    this.#parser = new RedisParser({
      returnReply: (reply: unknown) => {
        this.#take(reply)
      },
      returnError: (error: Rejection) => {
        this.#take(error)
      },
      returnFatalError: (error: Error) => {
        this.#failure ??= new ProxyError('PROTOCOL', `handshake: ${error.message}`, {
          cause: error,
        })
      },
    })
  }

  get greeting(): Greeting {
    return {
      role: this.#role,
      runId: this.#runId,
      version: this.#version,
      clientId: this.#clientId,
      wantsAuth: this.#wantsAuth,
    }
  }

  /** The first bytes to send. */
  begin(): Uint8Array {
    const { state, clientName, wantRunId } = this.#plan
    const parts: Uint8Array[] = []
    if (state.identity.auth !== null) {
      parts.push(encodeRequest(['AUTH', ...state.identity.auth]))
      this.#expects.push('auth')
    }
    if (clientName !== '') {
      parts.push(encodeRequest(['CLIENT', 'SETNAME', clientName]))
      this.#expects.push('name')
    }
    parts.push(encodeRequest(['ROLE']))
    this.#expects.push('role')
    if (wantRunId) {
      parts.push(encodeRequest(['INFO', 'server']))
      parts.push(encodeRequest(['PING']))
      this.#expects.push('info', 'ping')
    }
    if (this.#plan.wantClientId) {
      parts.push(encodeRequest(['CLIENT', 'ID']))
      this.#expects.push('id')
    }
    if (state.db !== 0) {
      parts.push(encodeRequest(['SELECT', state.db]))
      this.#expects.push('select')
    }
    return Buffer.concat(parts)
  }

  /**
   * Reads what the server sent. Returns bytes to send next, or 'more', or 'done'.
   * Throws ProxyError: HANDSHAKE_FAILED, NOT_MASTER, LINK_REFUSED, PROTOCOL.
   */
  feed(chunk: Buffer): Uint8Array | 'more' | 'done' {
    if (this.#phase === 'hello') return this.#feedHello(chunk)
    this.#parser.execute(chunk)
    if (this.#failure !== null) throw this.#failure
    if (this.#expects.length > 0) return 'more'
    if (this.#plan.state.resp === 2) {
      this.#phase = 'done'
      return 'done'
    }
    this.#phase = 'hello'
    return encodeRequest(['HELLO', '3'])
  }

  #feedHello(chunk: Buffer): 'more' | 'done' {
    this.#helloHeld.push(chunk)
    const next = this.#hello.next(chunk, 0, chunk.length)
    if (next < 0) return 'more'
    if (this.#hello.type !== 0x25 /* % */) {
      const text = Buffer.concat(this.#helloHeld).toString('latin1').trim()
      throw new ProxyError('HANDSHAKE_FAILED', `HELLO 3 was answered: ${text}`)
    }
    this.#helloHeld = []
    this.#phase = 'done'
    return 'done'
  }

  #take(reply: unknown): void {
    const step = this.#expects.shift()
    const refused = reply instanceof Error ? reply.message : null
    if (refused !== null && isTurnedAway(refused)) {
      this.#failure ??= new ProxyError('LINK_REFUSED', refused)
    } else if (step === undefined) {
      this.#failure ??= new ProxyError('PROTOCOL', 'handshake: a reply that nothing asked for')
    } else if (step === 'role') {
      this.#takeRole(reply, refused)
    } else if (step === 'info' && refused === null) {
      this.#runId = /run_id:([0-9a-f]+)/.exec(String(reply))?.[1] ?? ''
      this.#version = /redis_version:([\d.]+)/.exec(String(reply))?.[1] ?? ''
    } else if (step === 'id' && typeof reply === 'number') {
      this.#clientId = reply
    } else if (step === 'ping' && /^(LOADING|MASTERDOWN)/.test(refused ?? '')) {
      this.#failure ??= new ProxyError('LINK_REFUSED', refused ?? '')
    } else if ((step === 'auth' || step === 'select') && refused !== null) {
      this.#failure ??= new ProxyError('HANDSHAKE_FAILED', `${step}: ${refused}`)
    }
  }

  #takeRole(reply: unknown, refused: string | null): void {
    if (Array.isArray(reply)) this.#role = String(reply[0])
    if (this.#role === 'master') return
    this.#wantsAuth = refused?.startsWith('NOAUTH') ?? false
    if (this.#role !== '') {
      this.#failure ??= new ProxyError('NOT_MASTER', `the node says role:${this.#role}`)
    } else if (refused !== null && !/^(NOAUTH|NOPERM|BUSY|ERR unknown command)/.test(refused)) {
      this.#failure ??= new ProxyError('LINK_REFUSED', refused)
    }
  }
}

/** Errors that a server gives on accept, before it has executed anything. */
function isTurnedAway(text: string): boolean {
  return /^(ERR max number of clients|DENIED)/.test(text)
}
