import ts from 'typescript'
import { expect, it } from 'vitest'
import type { Source } from './sources.ts'
import { place, sourcesOf, visit } from './sources.ts'

const product = sourcesOf('src')
const all = [...product, ...sourcesOf('test')]

/** The places of all nodes for which `isWrong` holds. */
function found(sources: readonly Source[], isWrong: (node: ts.Node) => boolean): string[] {
  const places: string[] = []
  for (const source of sources) {
    visit(source.tree, (node) => {
      if (isWrong(node)) places.push(place(source, node))
    })
  }
  return places
}

function lineCount(node: ts.Node): number {
  return node.getText().split('\n').length
}

it('no file is longer than 400 lines', () => {
  const long = all.filter((source) => source.text.trimEnd().split('\n').length > 400)
  expect(long.map((source) => source.path)).toEqual([])
})

it('no function is longer than 70 lines', () => {
  const isLong = (node: ts.Node): boolean =>
    ts.isFunctionLike(node) && 'body' in node && lineCount(node) > 70
  expect(found(product, isLong)).toEqual([])
})

it('there is no any', () => {
  expect(found(all, (node) => node.kind === ts.SyntaxKind.AnyKeyword)).toEqual([])
})

it('nothing is declared to be there with !', () => {
  const isAssertion = (node: ts.Node): boolean =>
    ts.isNonNullExpression(node) ||
    (ts.isPropertyDeclaration(node) && node.exclamationToken !== undefined)
  expect(found(all, isAssertion)).toEqual([])
})

it('there are no default exports and no barrels', () => {
  const isDefault = (node: ts.Node): boolean =>
    (ts.isExportAssignment(node) && node.isExportEquals !== true) ||
    (ts.canHaveModifiers(node) &&
      (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) ||
    (ts.isExportDeclaration(node) && node.exportClause === undefined)
  expect(found(all, isDefault)).toEqual([])
})

it('there is no enum, no namespace and no parameter property', () => {
  const isErasedPoorly = (node: ts.Node): boolean =>
    ts.isEnumDeclaration(node) ||
    (ts.isModuleDeclaration(node) && !ts.isStringLiteral(node.name)) ||
    (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent))
  expect(found(all, isErasedPoorly)).toEqual([])
})

it('the type checker and the linter are never told to look away', () => {
  // Written in two parts, so that this file does not find itself.
  const words = [
    '@ts-' + 'ignore',
    '@ts-' + 'nocheck',
    '@ts-' + 'expect-error',
    'eslint-' + 'disable',
  ]
  const away = all.filter(({ text }) => words.some((word) => text.includes(word)))
  expect(away.map((source) => source.path)).toEqual([])
})

it('nothing is left for later in the code', () => {
  const later = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`,
  )
  expect(all.filter(({ text }) => later.test(text)).map((source) => source.path)).toEqual([])
})

it('no test is skipped, alone, or expected to fail', () => {
  const isEscape = (node: ts.Node): boolean =>
    ts.isPropertyAccessExpression(node) &&
    ['it', 'test', 'describe'].includes(node.expression.getText()) &&
    ['skip', 'only', 'todo', 'fails'].includes(node.name.text)
  expect(found(all, isEscape)).toEqual([])
})

it('files are named in kebab-case', () => {
  const odd = all.filter(({ path }) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.[a-z]+)*\.ts$/.test(path))
  expect(odd.map((source) => source.path)).toEqual([])
})
