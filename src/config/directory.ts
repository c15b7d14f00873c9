import { parseAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'

/** What `discoveryService` asks of DNS: a name with a port of ours, or a name of SRV records. */
export type DnsName =
  | ({ readonly kind: 'addresses'; readonly name: string } & Pick<Address, 'port'>)
  | { readonly kind: 'srv'; readonly name: string }

/** Reads `discoveryService` for dns; null: neither `name:port` nor a name that begins with `_`. */
export function dnsQuestion(service: string): DnsName | null {
  if (service.startsWith('_')) {
    return /^[\w.-]{2,253}$/.test(service) ? { kind: 'srv', name: service } : null
  }
  const address = parseAddress(service)
  if (address === null || !/^[\w.-]{1,253}$/.test(address.host)) return null
  return { kind: 'addresses', name: address.host, port: address.port }
}
