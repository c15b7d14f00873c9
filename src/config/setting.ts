import type { z } from 'zod'
import type { Kind, Unit } from './values.ts'

/** What people are told about one key, beside its type. */
export interface SettingNotes {
  /** The default as a user would write it; null where there is none. */
  readonly fallback: string | null
  readonly allowed: string
  readonly unit: Unit
  readonly meaning: string
  /** Why the default is what it is. */
  readonly why?: string
  /** Its value is never printed. */
  readonly secret?: true
}

/** One key of the configuration: reads any source, has a default, and carries its notes. */
export type Setting<T> = z.ZodType<T>

const notes = new WeakMap<z.ZodType, SettingNotes>()

/** Declares a key. The default goes through the same reading and checks as a user's value. */
export function setting<T>(
  kind: Kind<T>,
  fallback: string | null,
  meaning: string,
  more: { readonly why?: string; readonly secret?: true } = {},
): z.ZodPrefault<Setting<T>> {
  const schema = kind.schema.prefault(fallback)
  notes.set(schema, { fallback, allowed: kind.allowed, unit: kind.unit, meaning, ...more })
  return schema
}

/** The notes of a declared key. */
export function notesOf(schema: z.ZodType): SettingNotes {
  const found = notes.get(schema)
  if (found === undefined) throw new Error('not a setting: it was not made by setting()')
  return found
}
