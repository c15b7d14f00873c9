import { expect, it } from 'vitest'
import type { Source } from './sources.ts'
import { roomOf, sourcesOf } from './sources.ts'

const sources = sourcesOf('src')

/** Who may import whom; a room may always import itself. `types:` allows only `import type`. */
const law: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  telemetry: ['base'],
  protocol: ['base'],
  topology: ['base'],
  routing: ['base', 'protocol'],
  'dispatcher.ts': ['base', 'types:protocol', 'types:routing'],
  downstream: ['base', 'telemetry', 'protocol', 'routing', 'dispatcher.ts'],
  failover: ['base', 'telemetry', 'protocol', 'routing', 'topology', 'dispatcher.ts'],
  upstream: ['base', 'telemetry', 'protocol', 'types:routing', 'types:topology', 'dispatcher.ts'],
  discovery: ['base', 'telemetry', 'topology'],
  feed: ['base', 'telemetry', 'topology'],
  switchover: ['base', 'topology', 'discovery', 'types:feed'],
  ctl: ['base', 'topology', 'discovery'],
  admin: ['base', 'telemetry'],
  embedded: ['base', 'telemetry'],
  demo: ['base', 'protocol'],
  supervisor: ['base', 'telemetry', 'admin', 'types:config'],
}

/** These wire rooms together and may import every room, but no logic may live in them. */
const wiring = [
  'cli.ts',
  'command-line.ts',
  'run.ts',
  'parts.ts',
  'supervisor.ts',
  'proxyd.ts',
  'group-proxy.ts',
  'group-observers.ts',
  'group-scripts.ts',
  'monitor.ts',
  'group-actions.ts',
  'ctl.ts',
  'demo.ts',
]

/** The one door of each package. */
const doors: Readonly<Record<string, readonly string[]>> = {
  ioredis: ['src/discovery/', 'src/ctl/'],
  'generic-pool': ['src/upstream/lease-pool.ts'],
  'redis-parser': ['src/upstream/'],
  pino: ['src/telemetry/'],
  'pino-pretty': ['src/telemetry/'],
  'prom-client': ['src/telemetry/'],
  zod: ['src/config/'],
  yaml: ['src/config/'],
  commander: ['src/command-line.ts'],
}

function breaches(source: Source): string[] {
  const room = roomOf(source.path)
  const allowed = law[room]
  if (wiring.includes(room)) return []
  if (allowed === undefined) return [`${source.path}: the room ${room} is not in the law`]
  return source.imports.flatMap(({ file, typesOnly }) => {
    if (file === null) return []
    const other = roomOf(file)
    const isLegal =
      other === room || allowed.includes(other) || (typesOnly && allowed.includes(`types:${other}`))
    return isLegal ? [] : [`${source.path} imports ${file}`]
  })
}

it('no room imports one that the law does not name', () => {
  expect(sources.flatMap(breaches)).toEqual([])
})

it('each package is imported through its one door', () => {
  const wrong = sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, file }) => {
      if (file !== null || specifier.startsWith('node:')) return []
      const [first = '', second = ''] = specifier.split('/')
      const name = first.startsWith('@') ? `${first}/${second}` : first
      const isAllowed = doors[name]?.some((door) => source.path.startsWith(door)) ?? false
      return isAllowed ? [] : [`${source.path} imports ${specifier}`]
    }),
  )
  expect(wrong).toEqual([])
})

it('base is made of Node alone', () => {
  const foreign = sources
    .filter((source) => roomOf(source.path) === 'base')
    .flatMap((source) => source.imports.map(({ specifier }) => specifier))
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
  expect(foreign).toEqual([])
})

it('imports make no circle', () => {
  const graph = new Map(
    sources.map((source) => [
      source.path,
      source.imports.flatMap(({ file, typesOnly }) => (file === null || typesOnly ? [] : [file])),
    ]),
  )
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  expect(circles).toEqual([])
})

it('every import of a file exists and has its extension', () => {
  const known = new Set(sourcesOf('src', 'test').map((source) => source.path))
  const wrong = sources.flatMap((source) =>
    source.imports.flatMap(({ file }) =>
      file === null || known.has(file) || file.includes('generated')
        ? []
        : [`${source.path}: ${file}`],
    ),
  )
  expect(wrong).toEqual([])
})
