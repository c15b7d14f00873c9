import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { ConfigError } from './problems.ts'
import type { Config } from './schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where monitor and proxyd meet: what was configured, or a socket in the run folder of this user
 * that is named after the first group, so that both find it without being told.
 */
export function feedPathOf(config: Config, env: Environment): string {
  if (config.feed !== 'auto') return config.feed
  const { uid, username } = userInfo()
  const own = env.XDG_RUNTIME_DIR ?? join(tmpdir(), `switchmaster-${uid < 0 ? username : uid}`)
  const folder = env.XDG_RUNTIME_DIR === undefined ? own : join(own, 'switchmaster')
  return join(folder, `feed-${config.groups[0]?.masterName ?? ''}.sock`)
}

/** Makes the folder of a unix socket; refuses one in the temporary folder that is not ours. */
export function prepareFolder(socketPath: string): void {
  const folder = dirname(socketPath)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { uid } = userInfo()
  const facts = lstatSync(folder)
  if (folder.startsWith(join(tmpdir(), 'switchmaster-')) && uid >= 0 && facts.uid !== uid) {
    throw new ConfigError([`feed: ${folder} belongs to somebody else; set feed to another place`])
  }
}
