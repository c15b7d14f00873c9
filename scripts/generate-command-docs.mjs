/**
 * Writes `docs/commands.md` from the classes of commands.
 *
 *   npm run build && node scripts/generate-command-docs.mjs
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const built = new URL('../dist/routing/command-docs.js', import.meta.url)
const target = fileURLToPath(new URL('../docs/commands.md', import.meta.url))

const { commandDocs } = await import(built.href)
await writeFile(target, commandDocs())
console.log(target)
