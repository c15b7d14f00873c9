import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** No request of ours needs more. */
const maxBodyBytes = 64 * 1024

const headers = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

export function respond(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...more,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

export function respondJson(response: ServerResponse, status: number, value: object): void {
  respond(response, status, 'application/json', `${JSON.stringify(value, null, 2)}\n`)
}

/** Headers of a response that goes on. */
export function beginStream(response: ServerResponse, type: string): void {
  response.writeHead(200, { ...headers, 'content-type': type })
}

/** What a request may do: 200 when it carries the token, 401 without one, 403 with a wrong one. */
export function authorize(request: IncomingMessage, token: string | null): 200 | 401 | 403 {
  if (token === null) return 403
  const match = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')
  if (match?.[1] === undefined) return 401
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(match[1]), digest(token)) ? 200 : 403
}

/** The JSON object of a body; undefined when it is none; null when it is too large. */
export async function readBody(
  request: IncomingMessage,
): Promise<Record<string, unknown> | undefined | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) return null
    chunks.push(chunk)
  }
  if (size === 0) return {}
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}
