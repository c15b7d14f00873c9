import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'

export interface Credentials {
  readonly username?: string
  readonly password: string
}

/** How the servers of one kind are reached. */
export interface LinkOptions {
  readonly auth?: Credentials
  readonly tls?: ConnectionOptions
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** The name that CLIENT LIST shows. */
  readonly connectionName: string
}

export const linkDefaults = {
  connectTimeoutMs: 2_000,
  commandTimeoutMs: 1_500,
  connectionName: 'switchmaster-monitor',
} as const

/**
 * One connection, open and authenticated. ioredis is used as a codec and nothing else: it queues
 * nothing, retries nothing, sends nothing again, and does not reconnect. Rejects with a ProxyError
 * within the two timeouts.
 */
export async function openLink(address: Address, options: LinkOptions): Promise<Redis> {
  const redis = new Redis({
    host: address.host,
    port: address.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    protocol: 2, // every version of Redis and Sentinel speaks it
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    retryStrategy: null,
    reconnectOnError: null,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    keepAlive: 10_000,
    noDelay: true,
  })
  let lastError: unknown = null
  redis.on('error', (error: unknown) => {
    lastError = error
    // Refused commands reject and come not here: this connection is out of step with its server.
    if (redis.status === 'ready') redis.disconnect()
  })
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    const cause = lastError ?? error
    throw new ProxyError('LINK_REFUSED', `${addressKey(address)}: ${reasonOf(cause)}`, { cause })
  }
  try {
    await introduce(redis, options)
  } catch (error) {
    redis.disconnect()
    // A TLS alert comes when the connection stands already; the command only learns that it is closed.
    const cause = isReplyError(error) ? error : (lastError ?? error)
    const message = `${addressKey(address)}: ${reasonOf(cause)}`
    throw new ProxyError('HANDSHAKE_FAILED', message, { cause })
  }
  return redis
}

/** AUTH is ours, so that a refusal is an error of this link and not a line on the console. */
async function introduce(redis: Redis, options: LinkOptions): Promise<void> {
  if (options.auth !== undefined) {
    const { username, password } = options.auth
    await redis.call('AUTH', ...(username === undefined ? [password] : [username, password]))
  }
  // Refused by some ACLs; the name is a courtesy.
  await redis.call('CLIENT', 'SETNAME', options.connectionName).catch((error: unknown) => {
    if (!isReplyError(error)) throw error
  })
}

/**
 * Several commands in one write. Replies in order; a command that was refused gives its Error in
 * its place. Rejects when the connection was lost or did not answer in time.
 */
export async function askAll(
  redis: Redis,
  commands: readonly (readonly [string, ...string[]])[],
): Promise<unknown[]> {
  const pipeline = redis.pipeline()
  for (const [name, ...args] of commands) pipeline.call(name, ...args)
  const results = await pipeline.exec()
  if (results === null) throw new ProxyError('LINK_LOST', 'the pipeline was not run')
  return results.map(([error, reply]) => {
    if (error === null) return reply
    if (isReplyError(error)) return error
    throw new ProxyError('LINK_LOST', reasonOf(error), { cause: error })
  })
}

/** The server said no, as opposed to: the server did not say anything. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}
