import { Resolver } from 'node:dns/promises'
import { addressKey, normalizeHost } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { SentinelProvider } from './providers.ts'

/** What a DNS name is asked for: addresses (A and AAAA) with a port of ours, or SRV records. */
export type DnsQuestion =
  | { readonly kind: 'addresses'; readonly name: string; readonly port: number }
  | { readonly kind: 'srv'; readonly name: string }

export interface DnsProviderOptions {
  readonly question: DnsQuestion
  /** Literal addresses of the DNS servers to ask; empty: those of the system. */
  readonly servers: readonly Address[]
  /** For one whole look-up. */
  readonly timeoutMs: number
}

/** One question, and once again: a UDP packet may be lost. */
const TRIES = 2

/**
 * Sentinels behind a DNS name. Names are asked as they are, without the search domains and the hosts
 * file of the system. Rejects with NO_SENTINEL when the name gives no address within the timeout; a
 * target of SRV that has no address is left out as long as another one has.
 */
export function dnsProvider(options: DnsProviderOptions): SentinelProvider {
  const { question, servers, timeoutMs } = options
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / (2 * TRIES)), tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers.map(addressKey))
  const ask = async (): Promise<Address[]> => {
    if (question.kind === 'addresses') return addressesOf(resolver, question.name, question.port)
    const targets = await resolver.resolveSrv(question.name)
    return collected(targets.map(({ name, port }) => addressesOf(resolver, name, port)))
  }
  return {
    async current() {
      const late = setTimeout(() => {
        resolver.cancel()
      }, timeoutMs)
      try {
        const found = await ask()
        if (found.length === 0) throw new Error('no address in the answer')
        return found
      } catch (cause) {
        throw new ProxyError('NO_SENTINEL', `DNS ${question.name}: ${sentence(cause)}`, { cause })
      } finally {
        clearTimeout(late)
      }
    },
    close() {
      resolver.cancel()
    },
  }
}

/** A host may have addresses of one kind only: what is found of either is the answer. */
function addressesOf(resolver: Resolver, name: string, port: number): Promise<Address[]> {
  const questions = [resolver.resolve4(name), resolver.resolve6(name)]
  return collected(
    questions.map(async (hosts) =>
      (await hosts).map((host) => ({ host: normalizeHost(host), port })),
    ),
  )
}

/** All that was found, each address once; rejects with the first reason when nothing was. */
async function collected(asked: readonly Promise<Address[]>[]): Promise<Address[]> {
  const answers = await Promise.allSettled(asked)
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  const failed = answers.find((answer) => answer.status === 'rejected')
  if (found.length === 0 && failed !== undefined) throw failed.reason
  return [...new Map(found.map((address) => [addressKey(address), address])).values()]
}

/** c-ares names its reasons by codes. */
const sentences: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name (NXDOMAIN)',
  ENODATA: 'the name has no record of this kind',
  ESERVFAIL: 'the DNS server failed (SERVFAIL)',
  EREFUSED: 'the DNS server refused to answer (REFUSED)',
  ECONNREFUSED: 'no DNS server listens there',
  ETIMEOUT: 'no DNS server answered in time',
  ECANCELLED: 'no DNS server answered in time',
}

function sentence(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return sentences[code] ?? reasonOf(thrown)
}
