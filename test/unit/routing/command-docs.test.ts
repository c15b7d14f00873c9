import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commandDocs } from '../../../src/routing/command-docs.ts'

test('docs/commands.md is what scripts/generate-command-docs.mjs writes', () => {
  const file = new URL('../../../docs/commands.md', import.meta.url)
  expect(readFileSync(file, 'utf8')).toBe(commandDocs())
})
