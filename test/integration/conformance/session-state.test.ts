import { conformance, conformanceStage } from '../../support/conformance.ts'
import {
  HELLO_ID,
  act,
  ask,
  drop,
  eof,
  halfClose,
  pipe,
  raw,
  read,
  readUntil,
  say,
  waitFor,
} from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'
import { RawClient } from '../../support/raw-client.ts'

const stage = conformanceStage()

/** Time and address of a MONITOR line are of the moment and of the link. */
const MONITOR_LINE: readonly [RegExp, string] = [
  /\+\d+\.\d+ \[(\d+) [^\]]+\]/g,
  '+<time> [$1 <address>]',
]

const replyModes: readonly (readonly [string, readonly string[]])[] = [
  [
    'OFF hides everything until ON',
    ['CLIENT REPLY OFF', 'PING', 'NOSUCH', 'CLIENT REPLY ON', 'PING'],
  ],
  ['SKIP hides itself and the next', ['CLIENT REPLY SKIP', 'PING', 'ECHO seen']],
  ['SKIP SKIP hides one', ['CLIENT REPLY SKIP', 'CLIENT REPLY SKIP', 'PING', 'ECHO seen']],
  ['SKIP then ON', ['CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'PING']],
  ['OFF then SKIP then ON', ['CLIENT REPLY OFF', 'CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'PING']],
  ['ON alone answers', ['CLIENT REPLY ON', 'PING']],
  ['an unknown mode is an error', ['CLIENT REPLY MAYBE', 'CLIENT REPLY', 'PING']],
  ['SKIP hides an error', ['CLIENT REPLY SKIP', 'NOSUCH', 'PING']],
  ['OFF and a write', ['CLIENT REPLY OFF', 'SET k v', 'CLIENT REPLY ON', 'GET k']],
  ['SKIP before MULTI', ['CLIENT REPLY SKIP', 'MULTI', 'SET k v', 'EXEC']],
  [
    'OFF and a subscription',
    ['CLIENT REPLY OFF', 'SUBSCRIBE c', 'UNSUBSCRIBE c', 'CLIENT REPLY ON'],
  ],
]

const replies: readonly Conversation[] = replyModes.map(([title, commands]) => ({
  item: 49,
  title: `CLIENT REPLY: ${title}`,
  steps: [pipe('A', [...commands, 'QUIT'], 0), eof('A'), say('B', 'GET k')],
}))

const silent: Conversation = {
  item: 49,
  title: 'CLIENT REPLY: a client that turned replies off writes, and leaves unheard',
  steps: [
    pipe('A', ['CLIENT REPLY OFF', 'SET k v', 'NOSUCH'], 0),
    waitFor('GET k', /^v$/),
    halfClose('A'),
    eof('A', ''),
    say('B', 'PING', '+PONG\r\n'),
  ],
}

const tracking: readonly Conversation[] = [
  {
    item: 51,
    title: 'CLIENT TRACKING in RESP3 is told of the writes of others',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      say('A', 'CLIENT TRACKING ON', '+OK\r\n'),
      say('B', 'SET k 1'),
      say('A', 'GET k', '$1\r\n1\r\n'),
      say('B', 'SET k 2'),
      read('A', 1, '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n'),
      say('B', 'SET k 3'),
      say('A', 'GET k', '$1\r\n3\r\n'),
      say('B', 'FLUSHALL'),
      read('A', 1, '>2\r\n$10\r\ninvalidate\r\n_\r\n'),
      say('A', 'CLIENT TRACKINGINFO'),
      say('A', 'CLIENT GETREDIR', ':0\r\n'),
      say('A', 'CLIENT TRACKING OFF', '+OK\r\n'),
      say('A', 'GET k'),
      say('B', 'SET k 4'),
      say('A', 'PING', '+PONG\r\n'),
      say('A', 'CLIENT GETREDIR', ':-1\r\n'),
    ],
  },
  {
    item: 51,
    title: 'CLIENT TRACKING in RESP2 is redirected to a subscriber',
    steps: [
      say('S', 'CLIENT ID', undefined, { save: 'sub' }),
      pipe('S', ['SUBSCRIBE __redis__:invalidate'], 1),
      say('A', 'CLIENT TRACKING ON REDIRECT $sub', '+OK\r\n'),
      say('A', 'CLIENT GETREDIR', undefined, { ids: true }),
      say('A', 'GET k', '$-1\r\n'),
      say('B', 'SET k 2'),
      read('S', 1, /invalidate\r\n\*1\r\n\$1\r\nk\r\n$/),
      say('A', 'CLIENT TRACKING ON REDIRECT 987654321', /^-ERR The client ID you want redirect to/),
      say('A', 'CLIENT TRACKING OFF', '+OK\r\n'),
      say('C', 'CLIENT TRACKING ON', /^(\+OK|-ERR)/),
    ],
  },
  {
    item: 51,
    title: 'CLIENT TRACKING whose redirect is broken: the push names the client that has left',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      say('S', 'CLIENT ID', undefined, { save: 'sub' }),
      say('S', 'SUBSCRIBE __redis__:invalidate'),
      say('A', 'CLIENT TRACKING ON REDIRECT $sub', '+OK\r\n'),
      say('A', 'GET k', '_\r\n'),
      drop('S'),
      waitFor('PUBSUB NUMSUB __redis__:invalidate', /"__redis__:invalidate",0/),
      say('B', 'SET k 1', '+OK\r\n'),
      read('A', 1, /^>2\r\n\$21\r\ntracking-redir-broken\r\n:\d+\r\n$/, { ids: true }),
      say('A', 'CLIENT GETREDIR', undefined, { ids: true }),
      say('A', 'CLIENT TRACKINGINFO', /broken_redirect/, { ids: true }),
      say('S2', 'CLIENT ID', undefined, { save: 'sub2' }),
      say('S2', 'SUBSCRIBE __redis__:invalidate'),
      say('A', 'CLIENT TRACKING ON REDIRECT $sub2', '+OK\r\n'),
      say('A', 'GET k'),
      say('B', 'SET k 2', '+OK\r\n'),
      read('S2', 1, /invalidate\r\n\*1\r\n\$1\r\nk\r\n$/),
    ],
  },
  {
    item: 51,
    title: 'CLIENT TRACKING: broadcasting, opting in, errors',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      say('A', 'CLIENT TRACKING ON BCAST PREFIX a', '+OK\r\n'),
      say('B', 'SET b 1'),
      say('B', 'SET a1 1'),
      read('A', 1, /\$2\r\na1\r\n$/),
      say('A', 'CLIENT TRACKING ON', /^-ERR You can't switch BCAST mode/),
      say('A', 'CLIENT TRACKING OFF'),
      say('A', 'CLIENT TRACKING ON OPTIN', '+OK\r\n'),
      pipe('A', ['GET x', 'CLIENT CACHING YES', 'GET y'], 3),
      say('B', 'MSET x 1 y 1'),
      read('A', 1, /\$1\r\ny\r\n$/),
      say('A', 'CLIENT CACHING NO', /^-ERR CLIENT CACHING NO/),
      say('A', 'CLIENT TRACKING ON OPTIN OPTOUT', /^-ERR/),
      say('A', 'CLIENT TRACKING MAYBE', '-ERR syntax error\r\n'),
      say('A', 'CLIENT TRACKING OFF'),
      say('A', 'CLIENT CACHING YES', /^-ERR CLIENT CACHING can be called only/),
    ],
  },
]

const streams: readonly Conversation[] = [
  {
    item: 50,
    title: 'MONITOR shows what others do; a second one is silent; RESET leaves it',
    normalise: [MONITOR_LINE],
    steps: [
      say('A', 'MONITOR', '+OK\r\n'),
      say('B', 'SET seen 1'),
      say('B', 'SELECT 3'),
      say('B', 'GET seen-last'),
      readUntil('A', /seen-last/, /seen/),
      ask('A', 'MONITOR'),
      say('B', 'SET after-second 1'),
      readUntil('A', /after-second/, /after-second|^[^+]/),
      ask('A', 'RESET'),
      readUntil('A', /^\+RESET/, /^\+RESET/),
      say('A', 'PING', '+PONG\r\n'),
      say('A', 'GET seen', '$1\r\n1\r\n'),
    ],
  },
  {
    item: 46,
    title: 'keyspace events within replies of a RESP3 subscriber',
    before: ['CONFIG SET notify-keyspace-events KEA'],
    after: ['CONFIG SET notify-keyspace-events ""'],
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      pipe('A', ['PSUBSCRIBE __keyspace@0__:*'], 1),
      pipe('A', ['ZADD z 1 a 2 b', 'ZPOPMIN z 2', 'GET k', 'XADD s 1-1 f v'], 0),
      pipe('A', ['XGROUP CREATE s g 0', 'XREADGROUP GROUP g me STREAMS s >', 'ECHO after'], 0),
      pipe('A', ['MULTI', 'INCR n', 'SET k v', 'EXEC', 'ECHO last', 'QUIT'], 0),
      eof('A', /\$4\r\nlast\r\n\+OK\r\n$/),
    ],
  },
  {
    item: 58,
    title: 'DEBUG PROTOCOL: every type of RESP3, to clients of both versions',
    normalise: [HELLO_ID],
    steps: [
      ...protocolTypes('A'),
      say('B', 'HELLO 3'),
      ...protocolTypes('B'),
      pipe('B', ['DEBUG PROTOCOL attrib', 'DEBUG PROTOCOL push', 'ECHO after', 'QUIT'], 0),
      eof('B', /after\r\n\+OK\r\n$/),
    ],
  },
  {
    item: 53,
    title: 'a client that sends nothing and leaves',
    steps: [
      act('a silent client', async () => {
        const client = await RawClient.connect(stage().target.port)
        await client.destroy()
      }),
      raw('A', 'PING\r\n', 1, '+PONG\r\n'),
    ],
  },
]

function protocolTypes(who: string): Conversation['steps'] {
  const types = ['string', 'integer', 'double', 'null', 'array', 'set', 'map', 'bignum']
  const more = ['true', 'false', 'verbatim']
  return [...types, ...more].map((type) => say(who, `DEBUG PROTOCOL ${type}`))
}

conformance('CLIENT REPLY', [...replies, silent], stage)
conformance('CLIENT TRACKING', tracking, stage)
conformance('streams within replies', streams, stage)
