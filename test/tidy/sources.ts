import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import ts from 'typescript'

/** One import or re-export of a source file. */
export interface Import {
  /** As written. */
  readonly specifier: string
  /** The file in this project, or null for a package. */
  readonly file: string | null
  readonly typesOnly: boolean
}

/** A source file, parsed. */
export interface Source {
  /** From the project's root, with slashes. */
  readonly path: string
  readonly text: string
  readonly tree: ts.SourceFile
  readonly imports: readonly Import[]
}

const root = join(import.meta.dirname, '../..')

/** All TypeScript files below the given folders, the generated ones excepted. */
export function sourcesOf(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
      .map((name) => parse(join(folder, name))),
  )
}

function parse(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return { path, text, tree, imports: importsOf(path, tree) }
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typesOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    const isOurs = specifier.text.startsWith('.')
    const file = isOurs ? normalize(join(dirname(path), specifier.text)) : null
    found.push({ specifier: specifier.text, file, typesOnly })
  }
  visit(tree, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
  })
  return found
}

/** Calls `fn` for a node and everything below it. */
export function visit(node: ts.Node, fn: (node: ts.Node) => void): void {
  fn(node)
  ts.forEachChild(node, (child) => {
    visit(child, fn)
  })
}

/** `src/base/clock.ts:12`, for messages. */
export function place(source: Source, node: ts.Node): string {
  const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart())
  return `${source.path}:${line + 1}`
}

/** `src/base/clock.ts` → `base`; a file directly in src is a room by itself: `cli.ts`. */
export function roomOf(path: string): string {
  const [room = ''] = relative('src', path).split('/')
  return room
}
