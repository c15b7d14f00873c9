import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { GroupConfig } from './schema.ts'

/** What TLS to one side of a group needs, or null where it is not used. Reads the files anew. */
export function tlsOf(group: GroupConfig, side: 'upstream' | 'sentinel'): ConnectionOptions | null {
  if (!group[`${side}Tls`]) return null
  const files = { ca: 'Ca', cert: 'Cert', key: 'Key' } as const
  const options: ConnectionOptions = {}
  for (const [name, part] of Object.entries(files)) {
    const path = group[`${side}Tls${part}`]
    if (path !== null) Object.assign(options, { [name]: readFileSync(path) })
  }
  const servername = group[`${side}TlsServername`]
  return servername === null ? options : { ...options, servername }
}
