import { stringify } from 'yaml'
import { addressKey } from '../base/address.ts'
import { durationText, listenText, sizeText } from './values.ts'
import type { AddressMapping, CommandRename, ListenAddress, Unit } from './values.ts'
import type { Config } from './schema.ts'
import { allSettings, isSettingKey } from './schema.ts'
import { notesOf } from './setting.ts'

/** The configuration in full, as a YAML file that would give it again but for the secrets. */
export function printConfig(config: Config): string {
  const { groups, ...shared } = config
  return stringify({ ...writable(shared), groups: groups.map(writable) }, { lineWidth: 100 })
}

function writable(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const written: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === '' || !isSettingKey(key)) continue
    const notes = notesOf(allSettings[key])
    written[key] = notes.secret === true ? '********' : valueText(notes.unit, value)
  }
  return written
}

function valueText(unit: Unit, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => valueText(unit, item))
  if (isMappingValue(value)) return `${addressKey(value.from)}=${addressKey(value.to)}`
  if (isRename(value)) return `${value.command}=${value.renamed}`
  if (isListen(value)) return listenText(value)
  if (isAddress(value)) return addressKey(value)
  if (typeof value !== 'number') return value
  if (unit === 'ms') return durationText(value)
  return unit === 'bytes' ? sizeText(value) : value
}

function isMappingValue(value: unknown): value is AddressMapping {
  return typeof value === 'object' && value !== null && 'from' in value && 'to' in value
}

function isRename(value: unknown): value is CommandRename {
  return typeof value === 'object' && value !== null && 'renamed' in value
}

function isListen(value: unknown): value is ListenAddress {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function isAddress(value: unknown): value is { host: string; port: number } {
  return typeof value === 'object' && value !== null && 'host' in value
}
