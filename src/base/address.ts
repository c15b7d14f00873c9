import { ProxyError } from './errors.ts'

/** Where a server listens. IPv6 hosts are kept without brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port` or `[::1]:port`; throws ProxyError CONFIG with what is wrong. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) {
    throw new ProxyError('CONFIG', `"${text}" is not an address; allowed: host:port or [::1]:port`)
  }
  return { host, port }
}

/** The inverse of `parseAddress`. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/** Whether both name the same host and port, letter by letter (no name is resolved). */
export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host.toLowerCase() === b.host.toLowerCase()
}
