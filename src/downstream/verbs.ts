import { errorReply } from '../base/errors.ts'
import { encodeRequest, parseInteger } from '../protocol/request.ts'
import { wordAt } from '../routing/words.ts'
import { blocks } from '../routing/arguments.ts'
import { marksLink, type SessionVerb, type Traits } from '../routing/traits.ts'
import { authenticate, greet } from './greeting.ts'
import { onOk, onReplyDone } from './observers.ts'
import type { Session } from './session.ts'
import { throughControl, type Request } from './session-request.ts'
import { actsInTransaction } from './session-state.ts'
import { clientUnblock, nameReply, setInfo, setName } from './client-commands.ts'
import { clientKill } from './client-kill.ts'
import { clientInfo, clientList } from './client-lines.ts'
import { tracking, translated } from './tracking.ts'
import { bodyOf, script, scriptFlush, scriptUse } from './script-verbs.ts'
import { wait } from './wait.ts'
import { queuedRenewal } from './transaction-ids.ts'
import { discard, exec, multi, unwatch, watch } from './transaction-verbs.ts'

type Handler = (session: Session, request: Request) => void

const ok = Buffer.from('+OK\r\n')

/** A request that does not simply go to the shared lane. */
export function handle(session: Session, request: Request): void {
  const { traits } = request
  if (session.context.dedicated && session.pinned === null && wouldShare(traits)) {
    session.waits.pinned('dedicated', () => {
      handle(session, request)
    })
    return
  }
  if (session.state.transaction !== 'none' && !actsInTransaction(traits.verb)) {
    enqueue(session, request)
  } else if (isForbiddenToSubscriber(session, traits.verb)) {
    session.send(request) // the server words the error
  } else if (traits.verb !== null) {
    handlers[traits.verb](session, request)
  } else if (traits.route === 'control') {
    throughControl(session, request)
  } else if (traits.route === 'lease') {
    onLease(session, request)
  } else {
    session.send(request)
  }
}

/**
 * A command of the open transaction. The replies of some, at EXEC, overflow or cut short its array
 * (`session-semantics` §4.1), so that replies can no longer be paired with requests.
 */
function enqueue(session: Session, request: Request): void {
  const { verb, reason } = request.traits
  if ((verb !== null && unpairable.has(verb)) || reason === 'admin') {
    goRaw(session, request)
    return
  }
  if (marksLink(request.traits)) session.pin.tainted = true
  const queue = (): void => {
    session.transaction?.add(request.traits, request.bytes, 0, request.bytes.length)
    const body = bodyOf(session.context, request.traits, request.args)
    if (body !== null) session.transaction?.addScript(body)
    const renew = queuedRenewal(session, request)
    session.send(request, renew === null ? {} : { renew })
  }
  if (verb === 'client-tracking') session.tracking.withTarget(request.args, queue)
  else queue()
}

/** Would it go to a shared link? AUTH and the like are tried elsewhere first, on nobody's link. */
function wouldShare({ route, verb }: Traits): boolean {
  return verb === null ? route === 'lane' : sharing.has(verb)
}

const sharing: ReadonlySet<SessionVerb> = new Set([
  'select',
  'xread',
  'script',
  'script-use',
  'client-info',
  'client-trackinginfo',
  'client-getredir',
  'client-caching',
  'readonly',
  'asking',
])

const unpairable: ReadonlySet<SessionVerb> = new Set([
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
  'client-reply',
  'monitor',
  'sync',
  'replconf',
  'script-debug',
])

/** RESP2: a subscriber may only subscribe, unsubscribe, PING, QUIT and RESET (server.c). */
function isForbiddenToSubscriber(session: Session, verb: SessionVerb | null): boolean {
  if (session.state.link.resp === 3 || session.subscriptions.size === 0) return false
  return verb === null || !(verb.endsWith('subscribe') || verb === 'quit' || verb === 'reset')
}

const plain: Handler = (session, request) => {
  session.send(request)
}

/** One exclusive link for one call. */
const onLease: Handler = (session, request) => {
  const reason = request.traits.reason ?? 'unknown'
  if (reason === 'raw') {
    rawFor('raw')(session, request)
    return
  }
  session.waits.pinned(reason, () => {
    if (marksLink(request.traits)) session.pin.tainted = true
    session.send(request)
    session.waits.forVerdict()
  })
}

const select: Handler = (session, request) => {
  session.waits.whenIdle(() => {
    const db = parseInteger(request.args[1] ?? new Uint8Array(0))
    const observer = onOk(() => {
      if (db !== undefined) session.apply({ what: 'selected', db })
    })
    session.send(request, { observer })
    session.waits.forVerdict()
  })
}

const reset: Handler = (session, request) => {
  const forget = (): void => {
    session.transaction = null
    session.subscriptions.clear()
    session.tracking.forget()
    session.pin.tainted = true
    session.apply({ what: 'reset' })
  }
  if (session.pinned !== null) {
    session.send(request, { observer: onReplyDone(forget) })
    session.waits.forVerdict()
  } else {
    session.waits.whenIdle(() => {
      forget()
      session.answer(Buffer.from('+RESET\r\n'))
    })
  }
}

const quit: Handler = (session) => {
  session.answer(ok)
  session.end('quit')
}

const subscribe: Handler = (session, request) => {
  const verb = request.traits.verb
  if (verb === null) return
  session.waits.pinned('subscription', () => {
    session.waits.whenIdle(() => {
      const { subscriptions } = session
      let confirmed = 0
      const exchange = session.send(request, {
        replies: subscriptions.framesFor(verb, request.args.length),
        errorEnds: true,
        alwaysHeard: true,
        observer: {
          onFrame: (frame) => {
            confirmed++
            subscriptions.confirm(frame)
            return frame
          },
          onLost: () => false,
        },
      })
      // over another link: what was confirmed has been subscribed to again, the rest is still to do
      exchange.renew = () => {
        const [name = new Uint8Array(0), ...names] = request.args
        const left = [name, ...names.slice(confirmed)]
        exchange.replies = subscriptions.framesFor(verb, left.length)
        return encodeRequest(left)
      }
      session.waits.forVerdict()
    })
  })
}

/** From the reply on, bytes go both ways as they are, and the link is never shared again. */
function rawFor(reason: 'monitor' | 'replication' | 'debugger' | 'raw'): Handler {
  return (session, request) => {
    session.waits.pinned(reason, () => {
      goRaw(session, request)
    })
  }
}

function goRaw({ waits, pin }: Session, { bytes }: Request): void {
  waits.whenIdle(() => {
    waits.relinked(() => {
      pin.makeRaw()
      pin.pipe(bytes, 0, bytes.length)
    })
  })
}

/** A replica behind us would make the master name us as its replica, and Sentinel would adopt us. */
const replication: Handler = (session, request) => {
  if (wordAt(request.args, 1) === 'rdb-only') {
    rawFor('replication')(session, request)
  } else {
    session.answer(errorReply('DENIED'))
  }
}

const xread: Handler = (session, request) => {
  if (blocks(request.traits, request.args)) blocking(session, request)
  else session.send(request)
}

const blocking: Handler = (session, request) => {
  session.waits.pinned('blocking', () => {
    session.send(request)
    session.waits.forVerdict()
  })
}

function sticky(reason: 'no-evict' | 'no-touch'): Handler {
  return (session, request) => {
    session.waits.pinned(reason, () => {
      session.waits.whenIdle(() => {
        const on = wordAt(request.args, 2) === 'on'
        session.pin.tainted = true
        const observer = onOk(() => {
          session.apply({ what: 'sticky', reason, on })
        })
        session.send(request, { observer })
        session.waits.forVerdict()
      })
    })
  }
}

const clientReply: Handler = (session, request) => {
  const mode = wordAt(request.args, 2)
  if (request.args.length !== 3 || !['on', 'off', 'skip'].includes(mode)) {
    session.send(request)
  } else if (mode === 'on') {
    session.apply({ what: 'replies', mode: 'on' })
    session.answer(ok)
  } else if (session.state.replies !== 'off') {
    session.apply({ what: 'replies', mode: mode === 'off' ? 'off' : 'skip' })
  }
}

const handlers: Record<SessionVerb, Handler> = {
  auth: authenticate,
  hello: greet,
  select,
  reset,
  quit,
  multi,
  exec,
  discard,
  watch,
  unwatch,
  subscribe,
  unsubscribe: subscribe,
  psubscribe: subscribe,
  punsubscribe: subscribe,
  ssubscribe: subscribe,
  sunsubscribe: subscribe,
  monitor: rawFor('monitor'),
  sync: replication,
  replconf: replication,
  'script-debug': rawFor('debugger'),
  xread,
  wait,
  'client-id': (session, request) => {
    if (request.args.length === 2) session.answer(Buffer.from(`:${String(session.id)}\r\n`))
    else session.send(request)
  },
  'client-info': clientInfo,
  'client-list': clientList,
  'client-kill': clientKill,
  'client-unblock': clientUnblock,
  'client-getname': (session, request) => {
    if (request.args.length === 2) session.answer(nameReply(session))
    else session.send(request)
  },
  'client-setname': setName,
  'client-setinfo': setInfo,
  'client-reply': clientReply,
  'client-tracking': tracking,
  'client-trackinginfo': translated,
  'client-getredir': translated,
  'client-caching': plain,
  'client-no-evict': sticky('no-evict'),
  'client-no-touch': sticky('no-touch'),
  'client-capa': (session) => {
    session.answer(ok)
  },
  readonly: plain,
  asking: plain,
  script,
  'script-use': scriptUse,
  'script-flush': scriptFlush,
  shutdown: throughControl,
  close: (session) => {
    session.close('protocol')
  },
}
