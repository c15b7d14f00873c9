import { groupSettings } from './group-settings.ts'
import { limitSettings } from './limit-settings.ts'
import { processSettings } from './process-settings.ts'
import { flagOf, variableOf } from './schema.ts'
import type { Setting } from './setting.ts'
import { notesOf } from './setting.ts'

const head = `# Configuration

Every key can be written in three places: as a flag (\`--hold-window 20s\`), as an environment variable
(\`SWITCHMASTER_HOLD_WINDOW=20s\`), and in the YAML file named by \`--config\` or \`SWITCHMASTER_CONFIG\`
(\`holdWindow: 20s\`). A flag wins over a variable, a variable over the file.

Unknown keys, impossible values and contradictions are refused at start, all of them at once, each with
its key, its value and what is allowed; the exit status is 2. \`switchmaster check-config\` takes the same
flags, prints the whole configuration with secrets masked, and exits 0 or 2.

Durations are written with a unit (\`500ms\`, \`15s\`, \`2m\`, \`1h\`), sizes likewise (\`64kb\`, \`16mb\`, \`1gb\`,
powers of 1024). Lists are written with commas, or as a YAML list.

Several groups in one process:

\`\`\`yaml
workers: 1
groups:
  - masterName: orders
    listen: 127.0.0.1:7001
    sentinels: [10.0.0.1:26379, 10.0.0.2:26379, 10.0.0.3:26379]
  - masterName: sessions
    listen: 127.0.0.1:7002
    sentinels: [10.0.0.1:26379, 10.0.0.2:26379, 10.0.0.3:26379]
    inDoubt: retry-idempotent
\`\`\`

A key of a group that stands at the top holds for all groups that do not set it; \`listen\` and
\`masterName\` must stand in each, and no name twice.

This file is made from the schema in \`src/config\` (\`npm run docs\`); a test compares the two.
`

/** docs/configuration.md, made from the schema. */
export function configurationReference(): string {
  const sections = [
    head,
    section('Keys of a group', groupSettings),
    section('Keys of the process', processSettings),
    section('Limits', limitSettings),
  ]
  return sections.join('\n')
}

function section(title: string, settings: Readonly<Record<string, Setting<unknown>>>): string {
  const entries = Object.entries(settings).map(([key, schema]) => entry(key, schema))
  return `## ${title}\n\n${entries.join('\n')}`
}

function entry(key: string, schema: Setting<unknown>): string {
  const notes = notesOf(schema)
  const fallback =
    notes.fallback === null || notes.fallback === '' ? 'none' : `\`${notes.fallback}\``
  const lines = [
    `### ${key}`,
    '',
    notes.meaning,
    '',
    `- default: ${fallback}${notes.why === undefined ? '' : `. ${notes.why}`}`,
    `- allowed: ${notes.allowed}`,
    `- \`${flagOf(key)}\`, \`${variableOf(key)}\``,
  ]
  if (notes.secret === true) lines.push('- a secret: never printed')
  return `${lines.join('\n')}\n`
}
