import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { expect, it } from 'vitest'
import { configurationReference } from '../../../src/config/reference.ts'

it('docs/configuration.md is what the schema says (npm run docs)', async () => {
  const path = 'docs/configuration.md'
  const options = await resolveConfig(path)
  const made = await format(configurationReference(), { ...options, filepath: path })
  expect(readFileSync(path, 'utf8')).toBe(made)
})
