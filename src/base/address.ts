import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Where a server listens. The host is a literal IP address or a name, without brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`, the form for people and for keys of maps; IPv6 hosts in brackets. */
export function addressKey(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${String(address.port)}`
    : `${address.host}:${String(address.port)}`
}

export function sameAddress(a: Address | null, b: Address | null): boolean {
  if (a === null || b === null) return a === b
  return a.port === b.port && a.host === b.host
}

/** One spelling for one host: lower case, no brackets, no final dot, IPv6 short and without IPv4 in it. */
export function normalizeHost(host: string): string {
  let plain = host.trim().toLowerCase()
  if (plain.startsWith('[') && plain.endsWith(']')) plain = plain.slice(1, -1)
  if (isIPv6(plain)) return shortest(plain)
  if (plain.length > 1 && plain.endsWith('.')) plain = plain.slice(0, -1)
  return plain
}

/** The form of RFC 5952, which not every server and configuration writes. A zone stays as it is. */
function shortest(host: string): string {
  const [literal = '', ...zone] = host.split('%')
  const short = new URL(`http://[${literal}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? []
  if (high === undefined || low === undefined) return [short, ...zone].join('%')
  const parts = [high, low].map((group) => parseInt(group, 16))
  return parts.flatMap((part) => [part >> 8, part & 255]).join('.')
}

/** A port as digits, or null when it is not one. */
export function parsePort(text: string): number | null {
  if (!/^[0-9]{1,5}$/.test(text)) return null
  const port = Number(text)
  return port <= 65_535 ? port : null
}

/** `host:port`, `[v6]:port`; null when it is neither. */
export function parseAddress(text: string): Address | null {
  const colon = text.lastIndexOf(':')
  if (colon <= 0) return null
  const host = text.slice(0, colon)
  const bracketed = host.startsWith('[') && host.endsWith(']')
  if (host.includes(':') && !bracketed) return null
  const port = parsePort(text.slice(colon + 1))
  return port === null || port === 0 ? null : { host: normalizeHost(host), port }
}

/** An address that no connection can be meant for: unspecified host, no host, port 0. */
export function isUnusable(address: Address): boolean {
  return (
    address.host === '' ||
    address.host === '0.0.0.0' ||
    /^[0:]*:[0:]*$/.test(address.host) ||
    address.port === 0
  )
}

/** Every address under which a listener can be reached from this machine (0.0.0.0 is many). */
export function ownAddresses(listen: Address): Address[] {
  if (listen.host !== '' && !isUnusable({ host: listen.host, port: 1 })) return [listen]
  const hosts = new Set(['0.0.0.0', '::', '127.0.0.1', '::1', 'localhost'])
  for (const list of Object.values(networkInterfaces())) {
    for (const item of list ?? []) hosts.add(normalizeHost(item.address))
  }
  return [...hosts].map((host) => ({ host, port: listen.port }))
}
