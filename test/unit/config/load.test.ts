import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { printConfig } from '../../../src/config/print.ts'
import { ConfigError } from '../../../src/config/problems.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function yaml(text: string): string {
  const path = join(folder, `${Math.random()}.yaml`)
  writeFileSync(path, text)
  return path
}

function problemsOf(sources: Parameters<typeof loadConfig>[0]): readonly string[] {
  try {
    loadConfig(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('loadConfig', () => {
  it('needs nothing: every key has a default', () => {
    const config = loadConfig({})
    expect(config.groups).toHaveLength(1)
    expect(config.groups[0]?.listen).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 8889 }])
    expect(config.groups[0]?.holdWindow).toBe('auto')
    expect(config.groups[0]?.sentinels).toEqual([])
    expect(config.clientOutputLimit).toBe(64 * 1024 ** 2)
    expect(config.leaseAcquireTimeout).toBe(10_000)
  })

  it('takes a flag over a variable over the file', () => {
    const file = yaml('linksPerLane: 3\nconnectTimeout: 3s\nlinkKeepAlive: 4s\n')
    const env = { SWITCHMASTER_CONNECT_TIMEOUT: '1s', SWITCHMASTER_LINK_KEEP_ALIVE: '5s' }
    const config = loadConfig({ flags: { config: file, linkKeepAlive: '6s' }, env })
    expect(config.linksPerLane).toBe(3)
    expect(config.connectTimeout).toBe(1000)
    expect(config.linkKeepAlive).toBe(6000)
  })

  it('reads several groups, with the top as their common ground', () => {
    const file = yaml(`
sentinels: [10.0.0.1:26379]
inDoubt: close
groups:
  - { masterName: a, listen: '127.0.0.1:7001' }
  - { masterName: b, listen: ['[::1]:7002', 'unix:/tmp/b.sock'], inDoubt: error }
`)
    const [a, b] = loadConfig({ flags: { config: file } }).groups
    expect(a?.inDoubt).toBe('close')
    expect(a?.sentinels).toEqual([{ host: '10.0.0.1', port: 26379 }])
    expect(b?.inDoubt).toBe('error')
    expect(b?.listen).toEqual([
      { kind: 'tcp', host: '::1', port: 7002 },
      { kind: 'unix', path: '/tmp/b.sock' },
    ])
  })

  it('refuses the same group twice, though each has an address of its own', () => {
    const file = yaml(`
sentinels: [10.0.0.1:26379]
groups:
  - { masterName: a, listen: '127.0.0.1:7001' }
  - { masterName: b, listen: '127.0.0.1:7002', inDoubt: perhaps }
  - { masterName: a, listen: '127.0.0.1:7003' }
`)
    const problems = problemsOf({ flags: { config: file } })
    expect(problems).toHaveLength(2)
    expect(problems[1]).toBe('groups[2]: masterName "a" is that of groups[0] already')
  })

  it('reads secrets from files, without the newline at the end', () => {
    const path = yaml('s3cret\n')
    const config = loadConfig({ flags: { upstreamPasswordFile: path } })
    expect(config.groups[0]?.upstreamPassword).toBe('s3cret')
  })

  it('reads renamed commands from text and from a mapping, in any case', () => {
    const file = yaml('renameCommands: { CONFIG: Cfg-7, blpop: "pop=1" }\n')
    const renames = [
      { command: 'config', renamed: 'cfg-7' },
      { command: 'blpop', renamed: 'pop=1' },
    ]
    const flags = { renameCommands: 'CONFIG=Cfg-7, BLPOP=pop=1' }
    expect(loadConfig({ flags: { config: file } }).groups[0]?.renameCommands).toEqual(renames)
    expect(loadConfig({ flags }).groups[0]?.renameCommands).toEqual(renames)
    expect(loadConfig({}).groups[0]?.renameCommands).toEqual([])
  })

  it.each(['config', 'config=', '=x', 'MULTI=begin', 'a=x,b=x', 'a=x,A=y'])(
    'refuses the renamed commands %j',
    (renameCommands) => {
      const [problem, ...more] = problemsOf({ flags: { renameCommands } })
      expect(problem).toMatch(/^renameCommands \(--rename-commands\): .* allowed: command=new-name/)
      expect(more).toEqual([])
    },
  )

  it('lets no sentinel be asked so seldom that its answer is out of date before the next', () => {
    expect(problemsOf({ flags: { pollInterval: '2s' } })).toEqual([])
    expect(problemsOf({ flags: { pollInterval: '3s' } })).toEqual([
      'pollInterval (--poll-interval): "3s" is not allowed; allowed: a duration from 50ms to 2s, like 500ms, 15s, 2m',
    ])
  })

  it('reports all problems at once', () => {
    const file = yaml('holdWindw: 3s\nworkers: 0\n')
    const problems = problemsOf({
      flags: { config: file, poolMode: 'shared' },
      env: { SWITCHMASTER_LISTN: 'x', SWITCHMASTER_DRAIN_BATCH: '-1' },
    })
    expect(problems).toHaveLength(5)
    expect(problems[0]).toMatch(/holdWindw in .*: unknown key; did you mean holdWindow\?/)
    expect(problems[1]).toBe(
      'SWITCHMASTER_LISTN: unknown variable; did you mean SWITCHMASTER_LISTEN?',
    )
    expect(problems).toContain(
      'poolMode (--pool-mode): "shared" is not allowed; allowed: multiplexed, dedicated',
    )
  })

  it('lets the variables be that Kubernetes sets beside a service of our name', () => {
    const env = {
      SWITCHMASTER_PORT: 'tcp://10.0.0.1:6379',
      SWITCHMASTER_SERVICE_HOST: '10.0.0.1',
      SWITCHMASTER_SERVICE_PORT_REDIS: '6379',
      SWITCHMASTER_PORT_6379_TCP_ADDR: '10.0.0.1',
    }
    expect(problemsOf({ env })).toEqual([])
  })

  const srv = { discovery: 'dns', discoveryService: '_sentinel._tcp.example' }
  const contradictions: [string, Record<string, unknown>, RegExp][] = [
    ['output limits', { clientOutputPause: '64mb' }, /clientOutputPause \(64mb\) must be less/],
    ['grace and window', { holdWindow: '100ms' }, /switchGrace \(150ms\) must be less/],
    ['user without password', { upstreamUser: 'probe' }, /upstreamPassword or/],
    ['TLS files without TLS', { sentinelTlsServername: 'x' }, /sentinelTls is no/],
    [
      'certificate without key',
      { upstreamTls: 'yes', upstreamTlsCert: '/dev/null' },
      /go together/,
    ],
    ['same port', { admin: '127.0.0.1:8889' }, /are both 127\.0\.0\.1:8889/],
    ['directory without a name', { discovery: 'dns' }, /discoveryService must be set/],
    [
      'dns without a port',
      { discovery: 'dns', discoveryService: 'a.b' },
      /allowed: name:port, or _/,
    ],
    ['two sources', { ...srv, sentinels: 'a:1' }, /discovery is dns: sentinels has no use/],
    ['a DNS server by name', { ...srv, discoveryServers: 'ns:53' }, /ns is no IP address/],
    ['a directory that is not asked', { discoveryService: 'a' }, /is static: .* have no use/],
    ['consul without an agent', { ...srv, discovery: 'consul' }, /discoveryUrl must be set/],
    [
      'lainlet',
      { discovery: 'lainlet' },
      /does not speak to lainlet; allowed: static, dns, consul/,
    ],
    ['token that HTTP cannot carry', { adminToken: 'two words' }, /adminToken .*printable ASCII/],
    ['pause below Node’s own mark', { clientOutputPause: '1kb' }, /clientOutputPause .*64kb/],
    ['file that is not there', { adminTokenFile: '/nowhere' }, /adminTokenFile .*ENOENT/],
  ]
  it.each(contradictions)('refuses a contradiction: %s', (_name, flags, message) => {
    const problems = problemsOf({ flags })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(message)
  })

  it('never shows a secret', () => {
    const secret = 'hunter2'
    const flags = { adminToken: secret, upstreamPassword: secret, sentinelPassword: secret }
    const printed = printConfig(loadConfig({ flags: { ...flags, discoveryToken: secret } }))
    expect(printed).not.toContain(secret)
    expect(problemsOf({ flags: { adminToken: `${secret}\n` } }).join()).not.toContain(secret)
  })

  it('prints a file that gives the same configuration again', () => {
    const flags = {
      sentinels: 'a:1,[::1]:2',
      addressMap: 'x:1=y:2',
      renameCommands: 'config=cfg',
      maxBulk: '1gb',
      feed: '/f',
    }
    const config = loadConfig({ flags })
    expect(loadConfig({ file: yaml(printConfig(config)) })).toEqual(config)
  })
})
