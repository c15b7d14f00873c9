import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { AdminSource, AdminVerb } from './admin-source.ts'
import type { EventStreams } from './event-stream.ts'
import { authorize, readBody, respond, respondJson } from './respond.ts'
import { statusPage } from './status-page.ts'

/** What every route is given. */
export interface RouteContext {
  readonly source: AdminSource
  readonly events: EventStreams
  readonly token: string | null
}

type Handle = (
  context: RouteContext,
  response: ServerResponse,
  request: IncomingMessage,
) => void | Promise<void>

const plain = 'text/plain; charset=utf-8'

const gets: Readonly<Record<string, Handle>> = {
  '/': async ({ source }, response) => {
    const page = statusPage(await source.state(), await source.notReady())
    respond(response, 200, 'text/html; charset=utf-8', page)
  },
  '/healthz': (_context, response) => {
    respond(response, 200, plain, 'ok\n')
  },
  '/readyz': async ({ source }, response) => {
    const reason = await source.notReady()
    respond(response, reason === null ? 200 : 503, plain, `${reason ?? 'ready'}\n`)
  },
  '/metrics': async ({ source }, response) => {
    respond(response, 200, source.metrics.contentType, await source.metrics.scrape())
  },
  '/state': async ({ source }, response) => {
    respondJson(response, 200, await source.state())
  },
  '/events': async ({ events }, response, request) => {
    if (request.method === 'HEAD') respond(response, 200, 'text/event-stream', '')
    else if (!(await events.open(response))) respond(response, 503, plain, 'too many readers\n')
  },
}

const posts: Readonly<Record<string, Handle>> = {
  '/hold': verb('hold'),
  '/release': verb('release'),
  '/failover': verb('failover'),
}

function verb(name: AdminVerb): Handle {
  return async ({ source, token }, response, request) => {
    const status = authorize(request, token)
    if (status !== 200) {
      const why = token === null ? 'no admin token is configured' : 'the admin token is needed'
      const challenge: Record<string, string> =
        status === 401 ? { 'www-authenticate': 'Bearer realm="switchmaster"' } : {}
      respond(response, status, plain, `${why}\n`, { ...challenge, connection: 'close' })
      return
    }
    const body = await readBody(request)
    if (body === null) {
      respond(response, 413, plain, 'the body is too large\n', { connection: 'close' })
    } else if (body === undefined) {
      respond(response, 400, plain, 'the body must be a JSON object, or empty\n')
    } else {
      await act(source, name, body, response)
    }
  }
}

async function act(
  source: AdminSource,
  name: AdminVerb,
  body: Readonly<Record<string, unknown>>,
  response: ServerResponse,
): Promise<void> {
  const action = source.actions[name]
  if (action === undefined) {
    respond(response, 501, plain, `this process cannot ${name}: ask the one that runs up\n`)
    return
  }
  try {
    respondJson(response, 200, await action(body))
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error
    respondJson(response, 409, { error: error.code, message: reasonOf(error) })
  }
}

/** Finds the route of a request; 404 for an unknown path, 405 for the wrong method. */
export async function route(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?')
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const get = Object.hasOwn(gets, path) ? gets[path] : undefined
  const post = Object.hasOwn(posts, path) ? posts[path] : undefined
  const handle = isRead ? get : request.method === 'POST' ? post : undefined
  if (handle !== undefined) {
    await handle(context, response, request)
  } else if (get === undefined && post === undefined) {
    respond(response, 404, plain, 'not found\n')
  } else {
    const allow = get === undefined ? 'POST' : 'GET, HEAD'
    respond(response, 405, plain, 'method not allowed\n', { allow, connection: 'close' })
  }
}
