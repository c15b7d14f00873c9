import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import { removeStaleSocket } from '../base/stale-socket.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { AdminSource } from './admin-source.ts'
import { EventStreams } from './event-stream.ts'
import { respond } from './respond.ts'
import { route } from './routes.ts'

export interface AdminOptions {
  /** Port 0 takes any free one. The socket file of a dead process is replaced. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string }
  /** For POST; null: every POST is refused. */
  readonly token: string | null
  readonly log: Logger
  readonly clock?: Clock
}

/** The HTTP door for people, probes and Prometheus. */
export interface AdminServer {
  /** `http://127.0.0.1:8890`, or `unix:/path`. */
  readonly url: string
  /** Tells the readers of /events that something has changed. */
  changed(): void
  close(): Promise<void>
}

const maxConnections = 256
const timeouts = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 }

/** Resolves when the door is open; rejects with REFUSED or the system's error when it cannot be. */
export async function startAdminServer(
  options: AdminOptions,
  source: AdminSource,
): Promise<AdminServer> {
  const { log } = options
  const events = new EventStreams(() => source.state(), options.clock ?? systemClock)
  const context = { source, events, token: options.token }
  const server = createServer({ ...timeouts, maxHeaderSize: 16_384 }, (request, response) => {
    route(context, request, response).catch((error: unknown) => {
      log.error({ error: reasonOf(error), url: request.url }, 'admin request failed')
      if (response.headersSent) response.destroy()
      else respond(response, 500, 'text/plain; charset=utf-8', 'internal error\n')
    })
  })
  server.maxConnections = maxConnections
  await listen(server, options.listen)
  const url = urlOf(server)
  log.info({ url }, 'admin door is open')
  return {
    url,
    changed() {
      void events.push()
    },
    close() {
      events.close()
      return new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
    },
  }
}

async function listen(server: Server, where: AdminOptions['listen']): Promise<void> {
  if ('path' in where) await removeStaleSocket(where.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function urlOf(server: Server): string {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
