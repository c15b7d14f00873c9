import { afterEach, beforeEach, expect, it } from 'vitest'
import { dnsProvider } from '../../../src/discovery/dns-provider.ts'
import type { DnsQuestion } from '../../../src/discovery/dns-provider.ts'
import type { SentinelProvider } from '../../../src/discovery/providers.ts'
import { startDnsServer } from '../../support/dns-server.ts'
import type { DnsServer } from '../../support/dns-server.ts'

let dns: DnsServer
const owned: SentinelProvider[] = []

beforeEach(async () => {
  dns = await startDnsServer()
})

afterEach(async () => {
  for (const provider of owned.splice(0)) provider.close()
  await dns.stop()
})

function provider(question: DnsQuestion, timeoutMs = 2_000): SentinelProvider {
  const [host = '', port = ''] = dns.address.split(':')
  const made = dnsProvider({ question, servers: [{ host, port: Number(port) }], timeoutMs })
  owned.push(made)
  return made
}

const named: DnsQuestion = { kind: 'addresses', name: 'sentinels.example', port: 26379 }
const srv: DnsQuestion = { kind: 'srv', name: '_sentinel._tcp.example' }

it('all addresses of a name, of both kinds, and as they are at each look-up', async () => {
  const asked = provider(named)
  dns.zone = { 'sentinels.example': { a: ['10.0.0.1', '10.0.0.2'], aaaa: ['fd00::1'] } }
  expect(await asked.current()).toEqual([
    { host: '10.0.0.1', port: 26379 },
    { host: '10.0.0.2', port: 26379 },
    { host: 'fd00::1', port: 26379 },
  ])
  dns.zone = { 'sentinels.example': { a: ['10.0.0.3'] } }
  expect(await asked.current()).toEqual([{ host: '10.0.0.3', port: 26379 }])
  dns.zone = { 'sentinels.example': { aaaa: ['fd00::2'] } }
  expect(await asked.current()).toEqual([{ host: 'fd00::2', port: 26379 }])
})

it('SRV: each target with its own port; one without an address is left out', async () => {
  dns.zone = {
    '_sentinel._tcp.example': {
      srv: [
        { name: 's1.example', port: 7001 },
        { name: 's2.example', port: 7002 },
        { name: 'gone.example', port: 7003 },
      ],
    },
    's1.example': { a: ['10.0.0.1'] },
    's2.example': { a: ['10.0.0.1'], aaaa: ['fd00::1'] },
  }
  expect(await provider(srv).current()).toEqual([
    { host: '10.0.0.1', port: 7001 },
    { host: '10.0.0.1', port: 7002 },
    { host: 'fd00::1', port: 7002 },
  ])
})

it.each([
  ['no such name', { zone: {} }, /sentinels\.example: there is no such name \(NXDOMAIN\)/],
  ['no address', { zone: { 'sentinels.example': {} } }, /no record of this kind/],
  ['SERVFAIL', { mood: 'fail' as const }, /the DNS server failed/],
])('%s: refused with a sentence', async (_what, state, words) => {
  Object.assign(dns, state)
  const refusal = await provider(named).current().catch(String)
  expect(refusal).toMatch(words)
})

it('a server that is silent is waited for no longer than the timeout', async () => {
  dns.mood = 'silent'
  const asked = provider(named, 200)
  await expect(asked.current()).rejects.toMatchObject({
    code: 'NO_SENTINEL',
    message: 'DNS sentinels.example: no DNS server answered in time',
  })
  expect(dns.questions.length).toBeGreaterThan(0)
  dns.mood = 'well'
  dns.zone = { 'sentinels.example': { a: ['10.0.0.1'] } }
  expect(await asked.current()).toEqual([{ host: '10.0.0.1', port: 26379 }])
})

it('closed while it asks: refused at once', async () => {
  dns.mood = 'silent'
  const asked = provider(named, 60_000)
  const refusal = asked.current().catch(String)
  asked.close()
  expect(await refusal).toMatch(/DNS sentinels\.example/)
})
