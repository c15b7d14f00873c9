import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { ProxyError, reasonOf } from '../base/errors.ts'

export type AdminPlace =
  { readonly host: string; readonly port: number } | { readonly socketPath: string }

type Fields = Readonly<Record<string, unknown>>

const answerWithinMs = 5_000
/** What an action may take beyond the time that it was given. */
const actionSpareMs = 5_000

/** The admin door of a running proxy or monitor, from outside. */
export class AdminDoor {
  readonly #place: AdminPlace | null
  readonly #token: string | null

  /** null: the door is switched off. */
  constructor(place: AdminPlace | null, token: string | null) {
    this.#place = place
    this.#token = token
  }

  get name(): string {
    if (this.#place === null) return 'the admin door (off)'
    return 'host' in this.#place
      ? `${this.#place.host}:${String(this.#place.port)}`
      : this.#place.socketPath
  }

  /** The state of the process, or null when nobody answers there. */
  async state(): Promise<Fields | null> {
    try {
      const { status, body } = await this.#ask('GET', '/state', null, answerWithinMs)
      return status === 200 ? body : null
    } catch {
      return null
    }
  }

  /** Rejects with a ProxyError REFUSED in the words of the other side. */
  async act(verb: 'hold' | 'release' | 'failover', body: object, tookMs: number): Promise<Fields> {
    const answer = await this.#ask('POST', `/${verb}`, body, tookMs + actionSpareMs)
    if (answer.status === 200) return answer.body
    const { message } = answer.body
    const told = typeof message === 'string' ? message : answer.text.trim()
    const hint = [401, 403].includes(answer.status) ? ' (--admin-token, --admin-token-file)' : ''
    throw new ProxyError('REFUSED', `${told}${hint}`)
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: object | null,
    withinMs: number,
  ): Promise<{ status: number; text: string; body: Fields }> {
    if (this.#place === null) throw new ProxyError('REFUSED', 'the admin door is switched off')
    const payload = body === null ? '' : JSON.stringify(body)
    const headers: Record<string, string | number> = {
      connection: 'close',
      'content-length': Buffer.byteLength(payload),
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
    }
    const sent = request({ ...this.#place, path, method, headers, timeout: withinMs })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.on('response', resolve)
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
      sent.on('error', (cause) => {
        const message = `${this.name} does not answer: ${reasonOf(cause)}`
        reject(new ProxyError('REFUSED', message, { cause }))
      })
      sent.end(payload)
    })
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    return { status: response.statusCode ?? 0, text, body: fieldsIn(text) }
  }
}

function fieldsIn(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : {}
  } catch {
    return {}
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field of nested objects; undefined where one of them is none. */
export function dig(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let at: unknown = value
  for (const key of keys) {
    if (Array.isArray(at)) at = (at as unknown[])[Number(key)]
    else if (isFields(at)) at = at[key]
    else return undefined
  }
  return at
}
