import { readFileSync } from 'node:fs'
import { reasonOf } from '../base/errors.ts'
import { groupSettings } from './group-settings.ts'
import { ConfigError } from './problems.ts'
import { groupProblems, listenProblems, nameProblems, sharedProblems } from './relations.ts'
import type { Config, GroupConfig } from './schema.ts'
import { allSettings, groupSchema, isGroupKey, isSettingKey } from './schema.ts'
import { sharedSchema, sharedSettings } from './schema.ts'
import { notesOf } from './setting.ts'
import type { FileValues, Given, GivenValues } from './sources.ts'
import { fromEnvironment, fromFile, fromFlags } from './sources.ts'

/** Where a configuration is read from; a flag wins over a variable, that over the file. */
export interface ConfigSources {
  /** By key in camel case. `config` names the file. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The YAML file, where neither `--config` nor SWITCHMASTER_CONFIG names one. */
  readonly file?: string
}

/** Reads and checks the whole configuration; throws ConfigError with every problem found. */
export function loadConfig(sources: ConfigSources): Config {
  const problems: string[] = []
  const { flags = {}, env = {} } = sources
  const named = [flags.config, env.SWITCHMASTER_CONFIG, sources.file].find(
    (path) => typeof path === 'string' && path !== '',
  )
  const file: FileValues =
    typeof named === 'string' ? fromFile(named, problems) : { top: new Map(), groups: null }
  const top = new Map([...file.top, ...fromEnvironment(env, problems), ...fromFlags(flags)])

  const shared = sharedSchema.safeParse(pick(top, Object.keys(sharedSettings), problems))
  describe(shared.error?.issues, top, problems)

  const groups = new Map<number, GroupConfig>()
  for (const [index, given] of groupValues(file, top, problems).entries()) {
    const group = groupSchema.safeParse(pick(given, Object.keys(groupSettings), problems))
    describe(group.error?.issues, given, problems)
    if (!group.success || !shared.success) continue
    groups.set(index, group.data)
    const where = file.groups === null ? '' : `groups[${index}]: `
    problems.push(...groupProblems(group.data, shared.data, where))
  }
  if (shared.success) {
    const all = [...groups.values()]
    problems.push(...sharedProblems(shared.data), ...listenProblems(all, shared.data))
    problems.push(...nameProblems(groups))
  }
  if (problems.length > 0 || !shared.success) throw new ConfigError([...new Set(problems)])
  return { ...shared.data, groups: [...groups.values()] }
}

/** One map of values for each group: its own over those at the top. */
function groupValues(
  file: FileValues,
  top: GivenValues,
  problems: string[],
): readonly GivenValues[] {
  if (file.groups === null) return [top]
  for (const key of ['listen', 'masterName']) {
    const given = top.get(key)
    if (given === undefined) continue
    problems.push(`${key} (${given.from}): with groups: it stands in each of them, not at the top`)
  }
  const common = [...top].filter(([key]) => isGroupKey(key))
  return file.groups.map((own, index) => {
    for (const key of ['listen', 'masterName', 'sentinels']) {
      if (own.has(key) || (key === 'sentinels' && top.has(key))) continue
      if (key === 'sentinels' && (own.get('discovery') ?? top.get('discovery')) !== undefined)
        continue
      problems.push(`groups[${index}]: ${key} is missing`)
    }
    return new Map([...common, ...own])
  })
}

/** The values of the given keys, with secrets read from their files. */
function pick(
  given: GivenValues,
  keys: readonly string[],
  problems: string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const key of keys) {
    const own = given.get(key)
    if (own !== undefined) values[key] = own.value
    const file = given.get(`${key}File`)
    if (file === undefined || !isSettingKey(`${key}File`)) continue
    if (own !== undefined) {
      problems.push(`${key} (${own.from}) and ${key}File (${file.from}): give one of them`)
    } else {
      values[key] = secretFrom(key, file, problems)
    }
  }
  for (const key of keys) {
    const path = values[key]
    if (/Tls(Ca|Cert|Key)$/.test(key) && typeof path === 'string') readable(key, path, problems)
  }
  return values
}

function secretFrom(key: string, file: Given, problems: string[]): string | null {
  if (typeof file.value !== 'string') return null
  try {
    return readFileSync(file.value, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    problems.push(`${key}File (${file.from}): ${reasonOf(error)}`)
    return null
  }
}

function readable(key: string, path: string, problems: string[]): void {
  try {
    readFileSync(path)
  } catch (error) {
    problems.push(`${key}: ${reasonOf(error)}`)
  }
}

/** Turns the issues of a schema into sentences with key, value, source and what is allowed. */
function describe(
  issues: readonly { readonly path: readonly PropertyKey[] }[] | undefined,
  given: GivenValues,
  problems: string[],
): void {
  for (const issue of issues ?? []) {
    const key = String(issue.path[0])
    if (!isSettingKey(key)) continue
    const notes = notesOf(allSettings[key])
    const { value, from } = given.get(key) ?? { value: undefined, from: 'default' }
    const shown = notes.secret === true ? 'the value' : JSON.stringify(value)
    problems.push(`${key} (${from}): ${shown} is not allowed; allowed: ${notes.allowed}`)
  }
}
