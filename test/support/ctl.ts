import { CLI, ensureBuilt } from './build.ts'
import { Child } from './child.ts'

export interface CtlAnswer {
  readonly code: number | null
  /** What --json printed; empty where it was no JSON. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly text: string
}

/** Runs `switchmaster ctl` with --json. */
export async function ctl(...args: readonly string[]): Promise<CtlAnswer> {
  return finished([...args, '--json'])
}

/** Runs `switchmaster ctl` as people do. */
export async function ctlText(...args: readonly string[]): Promise<CtlAnswer> {
  return finished(args)
}

async function finished(args: readonly string[]): Promise<CtlAnswer> {
  await ensureBuilt()
  const child = new Child(process.execPath, ['--enable-source-maps', CLI, 'ctl', ...args])
  try {
    const { code } = await child.exited(120_000)
    const text = child.output()
    return { code, text, facts: factsIn(text) }
  } finally {
    child.signal('SIGKILL')
  }
}

/** The object that stands first; a refusal has its sentence after it, on the other stream. */
function factsIn(text: string): Readonly<Record<string, unknown>> {
  const end = text.indexOf('\n}\n')
  if (!text.includes('{')) return {}
  const json = text.slice(text.indexOf('{'), end < 0 ? undefined : end + 2)
  return JSON.parse(json) as Record<string, unknown>
}
