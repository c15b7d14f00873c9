import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { consulProvider } from '../../../src/discovery/consul-provider.ts'
import type { SentinelProvider } from '../../../src/discovery/providers.ts'

let server: Server
let url = ''
let respond: (request: IncomingMessage, response: ServerResponse) => void
const owned: SentinelProvider[] = []

beforeEach(async () => {
  server = createServer((request, response) => {
    respond(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const provider of owned.splice(0)) provider.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function provider(token: string | null = null, timeoutMs = 2_000): SentinelProvider {
  const made = consulProvider({ url, service: 'redis sentinel', token, timeoutMs })
  owned.push(made)
  return made
}

function answer(body: unknown, status = 200): void {
  respond = (_request, response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

it('passing instances; one without an address of its own has that of its node', async () => {
  const asked: IncomingMessage[] = []
  respond = (request, response) => {
    asked.push(request)
    const entries = [
      { Node: { Address: '10.0.0.1' }, Service: { Address: '', Port: 26379 } },
      { Node: { Address: '10.0.0.2' }, Service: { Address: 'S2.Example', Port: 26380 } },
    ]
    response.end(JSON.stringify(entries))
  }
  expect(await provider('t0ken').current()).toEqual([
    { host: '10.0.0.1', port: 26379 },
    { host: 's2.example', port: 26380 },
  ])
  expect(asked[0]?.url).toBe('/v1/health/service/redis%20sentinel?passing')
  expect(asked[0]?.headers['x-consul-token']).toBe('t0ken')
})

it('without a token none is sent', async () => {
  let sent: unknown = 'nothing asked'
  respond = (request, response) => {
    sent = request.headers['x-consul-token']
    response.end(JSON.stringify([{ Service: { Address: 'a', Port: 1 } }]))
  }
  await provider().current()
  expect(sent).toBeUndefined()
})

it('an instance that cannot be reached takes none of the others away', async () => {
  answer([{ Service: { Address: 'a', Port: 0 } }, { Service: { Address: 'b', Port: 5 } }], 200)
  expect(await provider().current()).toEqual([{ host: 'b', port: 5 }])
})

it.each([
  ['a wrong token', 'ACL not found', 403, /HTTP 403 ACL not found/],
  ['nobody passes', [], 200, /no instance passes its health checks/],
  ['no JSON', '<html>', 200, /the answer is no JSON/],
  ['no list', { a: 1 }, 200, /the answer is no list/],
  [
    'no port',
    [{ Service: { Address: 'a', Port: 0 } }],
    200,
    /no instance in the answer has an address and a port/,
  ],
  [
    'no address',
    [{ Node: {}, Service: { Port: 5 } }],
    200,
    /no instance in the answer has an address and a port/,
  ],
  ['an endless answer', 'x'.repeat(5 * 1024 ** 2), 200, /the answer is too long/],
])(
  '%s: refused with a sentence that names service and agent',
  async (_what, body, status, words) => {
    answer(body, status)
    const refusal = await provider('t0ken').current().catch(String)
    expect(refusal).toMatch(words)
    expect(refusal).toContain(`Consul service redis sentinel at ${url.slice(7)}`)
    expect(refusal).not.toContain('t0ken')
  },
)

it('the token is not carried to where a redirect points', async () => {
  const asked: (string | undefined)[] = []
  respond = (request, response) => {
    asked.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  }
  expect(await provider('t0ken').current().catch(String)).toMatch(/redirect/)
  expect(asked).not.toContain('/elsewhere')
})

it('an agent that is silent is waited for no longer than the timeout', async () => {
  respond = () => undefined
  expect(await provider(null, 100).current().catch(String)).toMatch(/no answer within 100 ms/)
})

it('nobody listens: the words of the system', async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(await provider().current().catch(String)).toMatch(/ECONNREFUSED/)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

it('closed while it asks: refused at once', async () => {
  respond = () => undefined
  const asked = provider(null, 60_000)
  const refusal = asked.current().catch(String)
  asked.close()
  expect(await refusal).toMatch(/Consul service/)
})
