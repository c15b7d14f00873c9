import { addressKey } from './base/address.ts'
import { systemClock } from './base/clock.ts'
import { ProxyError } from './base/errors.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import { tlsOf } from './config/tls.ts'
import { AdminDoor } from './ctl/admin-door.ts'
import type { CtlContext, Verb } from './ctl/context.ts'
import { VerbOptions } from './ctl/options.ts'
import type { Credentials, LinkOptions } from './discovery/redis-link.ts'
import { linkDefaults } from './discovery/redis-link.ts'

const ctlKeys = new Set(['sentinels', 'masterName', 'addressMap', 'admin'])

/** Settings that have a meaning for `ctl`: who the servers are and how they are reached. */
export function isCtlSetting(key: string): boolean {
  return ctlKeys.has(key) || /^(adminToken|(upstream|sentinel)(User|Password|Tls))/.test(key)
}

/** Runs one verb and says what came of it; the exit status. */
export async function runCtl(
  verb: Verb,
  config: Config,
  given: Readonly<Record<string, unknown>>,
  words: readonly string[],
): Promise<0 | 1 | 2> {
  const options = new VerbOptions(given)
  const isJson = options.has('json')
  try {
    const { facts, lines } = await verb.run(contextOf(config, options, words, isJson))
    console.log(isJson ? JSON.stringify(facts, null, 2) : lines.join('\n'))
    return 0
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error
    if (isJson) console.log(JSON.stringify({ refused: error.message }, null, 2))
    for (const line of error.message.split('\n')) console.error(`switchmaster: ${line}`)
    return error.code === 'CONFIG' ? 2 : 1
  }
}

function contextOf(
  config: Config,
  options: VerbOptions,
  words: readonly string[],
  isJson: boolean,
): CtlContext {
  const group = groupIn(config, options.text('group'))
  const nodeAuth = credentials(group.upstreamUser, group.upstreamPassword)
  const { admin } = config
  const place =
    admin === 'off' ? null : admin.kind === 'unix' ? { socketPath: admin.path } : reachable(admin)
  return {
    group: group.masterName,
    sentinels: group.sentinels,
    sentinelLink: linkOf(
      credentials(group.sentinelUser, group.sentinelPassword),
      tlsOf(group, 'sentinel'),
    ),
    nodeLink: linkOf(nodeAuth, tlsOf(group, 'upstream')),
    nodeAuth,
    addressMap: new Map(group.addressMap.map(({ from, to }) => [addressKey(from), to])),
    door: new AdminDoor(place, config.adminToken),
    clock: systemClock,
    options,
    words,
    progress: (line) => {
      if (!isJson) console.error(line)
    },
  }
}

/** Who listens on every address is asked on loopback. */
function reachable({ host, port }: { host: string; port: number }): { host: string; port: number } {
  return { host: /^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host, port }
}

function groupIn({ groups }: Config, name: string | null): GroupConfig {
  const [first, second] = groups
  const found =
    name === null && second === undefined
      ? first
      : groups.find(({ masterName }) => masterName === name)
  if (found !== undefined) return found
  const names = groups.map(({ masterName }) => masterName).join(', ')
  throw new ProxyError('CONFIG', `group: ${name ?? 'none'} is not allowed; allowed: ${names}`)
}

function linkOf(auth: Credentials | null, tls: ReturnType<typeof tlsOf>): LinkOptions {
  return {
    ...linkDefaults,
    connectionName: 'switchmaster-ctl',
    ...(auth === null ? {} : { auth }),
    ...(tls === null ? {} : { tls }),
  }
}

function credentials(username: string | null, password: string | null): Credentials | null {
  if (password === null) return null
  return username === null ? { password } : { username, password }
}
