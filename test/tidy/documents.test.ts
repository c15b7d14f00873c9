import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { errorTable } from '../../src/base/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { allSettings, flagOf } from '../../src/config/schema.ts'
import { notesOf } from '../../src/config/setting.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CHANGELOG.md',
  'docs/errors.md',
  'docs/failover.md',
  'docs/operations.md',
]

it('docs/errors.md has every text that a client can see', () => {
  const page = read('docs/errors.md')
  const texts = Object.values(errorTable).flatMap(({ client }) => client ?? [])
  expect(texts.filter((text) => !page.includes(`\`-${text}\``))).toEqual([])
})

it('the flags that README names exist, with the defaults that it tells', () => {
  const rows = [...read('README.md').matchAll(/^\| `(--[a-z-]+)` +\| ([^|]+?) +\|/gm)]
  expect(rows.length).toBeGreaterThan(8)
  const known = new Map(Object.entries(allSettings).map(([key, schema]) => [flagOf(key), schema]))
  for (const [, flag = '', told = ''] of rows) {
    if (flag === '--config') continue
    const schema = known.get(flag)
    expect(schema, flag).toBeDefined()
    if (schema !== undefined && told.startsWith('`')) {
      expect(told.replaceAll('`', ''), flag).toBe(notesOf(schema).fallback)
    }
  }
})

it('a link in a page leads to a file', () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#:]+)\)/g)].flatMap(([, target = '']) =>
      existsSync(join(root, dirname(page), target)) ? [] : [`${page}: ${target}`],
    ),
  )
  expect(broken).toEqual([])
})

it('the image sets only variables that exist', () => {
  const variables = [...read('Dockerfile').matchAll(/(SWITCHMASTER_[A-Z_]+)=(\S+)/g)]
  expect(variables.length).toBeGreaterThan(2)
  const env = Object.fromEntries(variables.map(([, name = '', value = '']) => [name, value]))
  expect(loadConfig({ env }).embedded).toBe(false)
})
