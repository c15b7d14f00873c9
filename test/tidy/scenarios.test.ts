import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { sourcesOf, visit } from './sources.ts'

/** The rows of the table that docs/failover.md must have at least, from 1 on without a gap. */
const leastRows = 47

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/failover.md'), 'utf8')
const rows = [...page.matchAll(/^\| (\d+) +\|[^|]+\|([^|]+)\|/gm)].map(([, number, files]) => ({
  number: Number(number),
  files: [...(files ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? ''),
}))

/** The titles of the tests of each file below `test`. */
const titles = new Map(
  sourcesOf('test').map(({ path, tree }) => {
    const found: string[] = []
    visit(tree, (node) => {
      if (!ts.isCallExpression(node) || !/^(it|test)\b/.test(node.expression.getText())) return
      const [first] = node.arguments
      if (first !== undefined && (ts.isStringLiteral(first) || ts.isTemplateLiteral(first))) {
        found.push(first.getText())
      }
    })
    return [path, found] as const
  }),
)

/** `scenario 5: …`, `scenarios 2 and 3: …` */
function scenariosOf(title: string): number[] {
  const [, list = ''] = /scenarios? ((?:\d+(?:, | and )?)+)/.exec(title) ?? []
  return [...list.matchAll(/\d+/g)].map(([digits]) => Number(digits))
}

it('the scenarios of docs/failover.md are numbered without a gap', () => {
  expect(rows.length).toBeGreaterThanOrEqual(leastRows)
  expect(rows.map(({ number }) => number)).toEqual(rows.map((_row, index) => index + 1))
})

it('the files that a scenario names exist', () => {
  const missing = rows.flatMap(({ number, files }) =>
    files.filter((file) => !existsSync(join(root, file))).map((file) => `${number}: ${file}`),
  )
  expect(missing).toEqual([])
})

it('each scenario has a test that bears its number in a file that it names', () => {
  const untested = rows.filter(({ number, files }) =>
    files.every((file) => !titles.get(file)?.some((title) => scenariosOf(title).includes(number))),
  )
  expect(untested.map(({ number }) => number)).toEqual([])
})

it('a test that bears the number of a scenario in test/chaos stands in its row', () => {
  const unnamed = [...titles].flatMap(([file, list]) => {
    if (!file.startsWith('test/chaos/')) return []
    const numbers = new Set(list.flatMap(scenariosOf))
    return rows
      .filter(({ number, files }) => numbers.has(number) && !files.includes(file))
      .map(({ number }) => `${number}: ${file}`)
  })
  expect(unnamed).toEqual([])
})
