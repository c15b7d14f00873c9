// Writes the documents that are made from the code: run by `npm run docs` after a build.
import { existsSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'

const pages = {
  'docs/configuration.md': ['../dist/config/reference.js', 'configurationReference'],
  'docs/metrics.md': ['../dist/telemetry/reference.js', 'metricsReference'],
}

for (const [path, [module, name]] of Object.entries(pages)) {
  if (!existsSync(new URL(module, import.meta.url))) continue
  const made = (await import(module))[name]()
  writeFileSync(path, await format(made, { ...(await resolveConfig(path)), filepath: path }))
  console.log(`wrote ${path}`)
}
