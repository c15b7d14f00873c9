import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { reasonOf } from '../base/errors.ts'
import { nearest } from './problems.ts'
import { allSettings, flagOf, isGroupKey, isSettingKey, variableOf } from './schema.ts'

/** A value together with where it was written, for messages. */
export interface Given {
  readonly value: unknown
  readonly from: string
}

/** What one source says, by key. */
export type GivenValues = ReadonlyMap<string, Given>

/** What the file says: the top, and the entries of `groups:` where there are any. */
export interface FileValues {
  readonly top: GivenValues
  readonly groups: readonly GivenValues[] | null
}

const settingKeys = Object.keys(allSettings)
const groupKeys = settingKeys.filter(isGroupKey)
const variables = new Map(settingKeys.map((key) => [variableOf(key), key]))

/** Kubernetes sets these in every pod beside a service of our name; they are not ours. */
const serviceVariable = /^SWITCHMASTER_(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_(TCP|UDP)\w*)$/

/** Reads what the flags say; keys are in camel case, as commander delivers them. */
export function fromFlags(flags: Readonly<Record<string, unknown>>): GivenValues {
  const given = new Map<string, Given>()
  for (const [key, value] of Object.entries(flags)) {
    if (isSettingKey(key) && value !== undefined) given.set(key, { value, from: flagOf(key) })
  }
  return given
}

/** Reads the SWITCHMASTER_ variables; an unknown one is a problem, an empty one is not set. */
export function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): GivenValues {
  const given = new Map<string, Given>()
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('SWITCHMASTER_') || value === undefined || value === '') continue
    if (name === 'SWITCHMASTER_CONFIG' || serviceVariable.test(name)) continue
    const key = variables.get(name)
    if (key === undefined) {
      problems.push(`${name}: unknown variable${suggestion(name, [...variables.keys()])}`)
    } else {
      given.set(key, { value, from: name })
    }
  }
  return given
}

/** Reads a YAML (or JSON) file. */
export function fromFile(path: string, problems: string[]): FileValues {
  const nothing: FileValues = { top: new Map(), groups: null }
  let document: unknown
  try {
    document = parse(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    problems.push(`${path}: ${reasonOf(error).trim()}`)
    return nothing
  }
  if (!isMapping(document)) {
    problems.push(`${path}: must be a mapping of keys to values`)
    return nothing
  }
  const { groups, ...rest } = document
  const top = fromMapping(rest, path, [...settingKeys, 'groups'], problems)
  if (groups === undefined || groups === null) return { top, groups: null }
  if (!Array.isArray(groups) || groups.length === 0 || !groups.every(isMapping)) {
    problems.push(`groups in ${path}: allowed: a list with one mapping for each group`)
    return { top, groups: null }
  }
  const entries = groups.map((entry, index) =>
    fromMapping(entry, `groups[${index}] of ${path}`, groupKeys, problems),
  )
  return { top, groups: entries }
}

function fromMapping(
  mapping: Readonly<Record<string, unknown>>,
  from: string,
  known: readonly string[],
  problems: string[],
): GivenValues {
  const given = new Map<string, Given>()
  for (const [key, value] of Object.entries(mapping)) {
    if (value === null) continue
    if (known.includes(key)) given.set(key, { value, from })
    else if (isSettingKey(key))
      problems.push(`${key} in ${from}: stands at the top of the file only`)
    else problems.push(`${key} in ${from}: unknown key${suggestion(key, known)}`)
  }
  return given
}

function suggestion(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates)
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
