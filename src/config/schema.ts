import { z } from 'zod'
import { groupSettings } from './group-settings.ts'
import { limitSettings } from './limit-settings.ts'
import { processSettings } from './process-settings.ts'

/** The keys that are not settings of a group: limits and the process itself. */
export const sharedSettings = { ...processSettings, ...limitSettings }

/** Every key that a flag, a variable or the top of the file may set. */
export const allSettings = { ...groupSettings, ...sharedSettings }

export const groupSchema = z.strictObject(groupSettings)
export const sharedSchema = z.strictObject(sharedSettings)

export type SettingKey = keyof typeof allSettings
export type GroupKey = keyof typeof groupSettings

/** One group as configured; durations are milliseconds, sizes are bytes. */
export type GroupConfig = Readonly<z.output<typeof groupSchema>>

/** What all groups of a process share; durations are milliseconds, sizes are bytes. */
export type SharedConfig = Readonly<z.output<typeof sharedSchema>>

/** The whole configuration. Plain data: it can be sent to another process as JSON. */
export type Config = SharedConfig & { readonly groups: readonly GroupConfig[] }

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(allSettings, key)
}

export function isGroupKey(key: string): key is GroupKey {
  return Object.hasOwn(groupSettings, key)
}

/** `holdWindow` → `--hold-window`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** `holdWindow` → `SWITCHMASTER_HOLD_WINDOW`. */
export function variableOf(key: string): string {
  return `SWITCHMASTER_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
