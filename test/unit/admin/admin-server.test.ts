import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdminOptions, AdminServer } from '../../../src/admin/admin-server.ts'
import { startAdminServer } from '../../../src/admin/admin-server.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import { ControlPlaneCounters, DataPlaneCounters } from '../../../src/telemetry/counters.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'

const token = 'open-sesame'
let reason: string | null = null
let asked: object[] = []
let server: AdminServer
let counter = 0

beforeEach(async () => {
  reason = null
  asked = []
  server = await open({ host: '127.0.0.1', port: 0 })
})
afterEach(() => server.close())

function open(listen: AdminOptions['listen']): Promise<AdminServer> {
  const metrics = createMetrics(
    { data: () => [new DataPlaneCounters()], control: () => [new ControlPlaneCounters()] },
    '0',
  )
  return startAdminServer(
    { listen, token, log: silentLogger },
    {
      state: () => ({ master: '10.0.0.1:6379', note: '<script>', counter }),
      notReady: () => reason,
      metrics,
      actions: {
        hold: (body) => {
          asked.push(body)
          return Promise.resolve({ held: true })
        },
        failover: () => Promise.reject(new ProxyError('REFUSED', 'no good replica')),
      },
    },
  )
}

function post(path: string, bearer?: string, body?: string): Promise<Response> {
  const headers: Record<string, string> =
    bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  return fetch(server.url + path, { method: 'POST', headers, body: body ?? null })
}

describe('reading', () => {
  it('is alive, and ready or not with the reason', async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    reason = 'no master'
    const readyz = await fetch(`${server.url}/readyz`)
    expect([readyz.status, await readyz.text()]).toEqual([503, 'no master\n'])
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('shows state, metrics and a page in which nothing is markup', async () => {
    expect(await (await fetch(`${server.url}/state`)).json()).toHaveProperty('master')
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('switchmaster_clients 0')
    const page = await (await fetch(`${server.url}/`)).text()
    expect(page).toContain('10.0.0.1:6379')
    expect(page).not.toContain('<script>')
  })

  it('sends the state at once, and again when it has changed', async () => {
    const response = await fetch(`${server.url}/events`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toContain('event: state\ndata: {"master"')
    counter++
    server.changed()
    expect((await reader?.read())?.value).toContain(`"counter":${counter}`)
    await reader?.cancel()
  })
})

describe('acting', () => {
  it('wants the token', async () => {
    const without = await post('/hold')
    expect(without.status).toBe(401)
    expect(without.headers.get('www-authenticate')).toContain('Bearer')
    expect((await post('/hold', 'wrong')).status).toBe(403)
    expect(asked).toEqual([])
    const right = await post('/hold', token, '{"seconds":3}')
    expect([right.status, await right.json()]).toEqual([200, { held: true }])
    expect(asked).toEqual([{ seconds: 3 }])
  })

  it('answers a refusal with its reason, and says what it cannot do', async () => {
    const refused = await post('/failover', token)
    expect(refused.status).toBe(409)
    expect(await refused.json()).toEqual({ error: 'REFUSED', message: 'no good replica' })
    expect((await post('/release', token)).status).toBe(501)
  })

  it('bounds and checks bodies', async () => {
    expect((await post('/hold', token, 'x'.repeat(70_000))).status).toBe(413)
    expect((await post('/hold', token, '[1]')).status).toBe(400)
    expect((await post('/hold', token, '{')).status).toBe(400)
  })
})

it('knows what it does not have', async () => {
  expect((await fetch(`${server.url}/nothing`)).status).toBe(404)
  expect((await fetch(`${server.url}/constructor`)).status).toBe(404)
  expect((await post('/state', token)).status).toBe(405)
  const get = await fetch(`${server.url}/hold`)
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
})

it('closes while somebody is connected and silent', async () => {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await server.close()
  await closed
})

describe('at a unix socket', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'admin-'))
    path = join(folder, 'door')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  function statusOfHealth(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request({ socketPath: path, path: '/healthz', agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  }

  it('takes the place of a dead process, but not of a living one', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    expect(existsSync(path)).toBe(true)
    const first = await open({ path })
    await expect(open({ path })).rejects.toThrow(`${path} is in use by another process`)
    expect(await statusOfHealth()).toBe(200)
    await first.close()
    expect(existsSync(path)).toBe(false)
  })

  it('leaves a file alone', async () => {
    writeFileSync(path, 'precious')
    await expect(open({ path })).rejects.toThrow(`${path} is there already and is no socket`)
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })
})
