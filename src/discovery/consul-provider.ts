import { normalizeHost, parsePort } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { SentinelProvider } from './providers.ts'

export interface ConsulProviderOptions {
  /** Of an agent, like `http://127.0.0.1:8500`. */
  readonly url: string
  readonly service: string
  /** The ACL token, or null for none. */
  readonly token: string | null
  /** For one whole look-up. */
  readonly timeoutMs: number
}

/** Bytes of an answer at most: some thousand instances. */
const MAX_ANSWER = 4 * 1024 ** 2

/**
 * Sentinels that are instances of a Consul service and pass their health checks
 * (`GET /v1/health/service/:service?passing`). Rejects with NO_SENTINEL and the words of the agent.
 */
export function consulProvider(options: ConsulProviderOptions): SentinelProvider {
  const { service, token, timeoutMs } = options
  const base = options.url.endsWith('/') ? options.url : `${options.url}/`
  const url = new URL(`v1/health/service/${encodeURIComponent(service)}?passing`, base)
  const ended = new AbortController()
  return {
    async current() {
      try {
        const found = instancesIn(await textOf(url, token, ended.signal, timeoutMs))
        if (found.length === 0) throw new Error('no instance passes its health checks')
        return found
      } catch (cause) {
        const message = `Consul service ${service} at ${url.host}: ${sentence(cause, timeoutMs)}`
        throw new ProxyError('NO_SENTINEL', message, { cause })
      }
    },
    close() {
      ended.abort()
    },
  }
}

async function textOf(
  url: URL,
  token: string | null,
  ended: AbortSignal,
  timeoutMs: number,
): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...(token === null ? {} : { 'x-consul-token': token }) },
    redirect: 'error', // the token is for this agent alone
    signal: AbortSignal.any([ended, AbortSignal.timeout(timeoutMs)]),
  })
  const chunks: Uint8Array[] = []
  const body: AsyncIterable<Uint8Array> | null = response.body
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  if (response.ok) return text
  throw new Error(`HTTP ${String(response.status)} ${text.slice(0, 200)}`.trim())
}

/** The address of an instance is that of its node where it has none of its own. */
function instancesIn(text: string): Address[] {
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries)) throw new Error('the answer is no list')
  const found = entries.flatMap((entry: unknown) => {
    const instance = fieldOf(entry, 'Service')
    const own = fieldOf(instance, 'Address')
    const host = own === undefined || own === '' ? fieldOf(fieldOf(entry, 'Node'), 'Address') : own
    const port = parsePort(String(fieldOf(instance, 'Port')))
    if (typeof host !== 'string' || host === '' || port === null || port === 0) return []
    return [{ host: normalizeHost(host), port }]
  })
  if (entries.length > 0 && found.length === 0) {
    throw new Error('no instance in the answer has an address and a port')
  }
  return found
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function sentence(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return `no answer within ${String(timeoutMs)} ms`
  }
  if (thrown instanceof SyntaxError) return 'the answer is no JSON'
  // fetch says "fetch failed" and keeps the reason as the cause.
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error ? reasonOf(cause) : reasonOf(thrown)
}
