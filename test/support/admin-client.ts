import type { Proxy } from './proxy.ts'

export const ADMIN_TOKEN = 'a-token-for-tests'

export interface AdminAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** One POST to the admin door of the product. */
export async function post(
  proxy: Proxy,
  verb: 'hold' | 'release' | 'failover',
  body: object = {},
): Promise<AdminAnswer> {
  const response = await fetch(`http://127.0.0.1:${proxy.adminPort}/${verb}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, connection: 'close' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
