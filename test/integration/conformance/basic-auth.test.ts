import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, eof, pipe, raw, say, server } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const PASSWORD = 'sesame'
const stage = conformanceStage({ password: PASSWORD, proxyArgs: ['--upstream-password', PASSWORD] })

const USERS = {
  before: [
    'ACL SETUSER u1 on >p1 ~one:* &* +@all -flushall',
    'ACL SETUSER u2 on >p2 ~two:* &* +@all',
  ],
  after: ['ACL DELUSER u1 u2'],
}

const conversations: readonly Conversation[] = [
  {
    item: 6,
    title: 'a wrong AUTH keeps the user, a right one changes it',
    ...USERS,
    steps: [
      say('A', 'AUTH u1 p1', '+OK\r\n'),
      say('A', 'ACL WHOAMI', '$2\r\nu1\r\n'),
      say('A', 'AUTH u2 wrong', /^-WRONGPASS /),
      say('A', 'AUTH nobody p', /^-WRONGPASS /),
      say('A', 'ACL WHOAMI', '$2\r\nu1\r\n'),
      say('A', 'AUTH u2 p2', '+OK\r\n'),
      say('A', 'ACL WHOAMI', '$2\r\nu2\r\n'),
      say('A', 'AUTH', /^-ERR wrong number of arguments/),
      say('A', 'AUTH a b c', '-ERR syntax error\r\n'),
      say('A', `AUTH ${PASSWORD}`, '+OK\r\n'),
      say('A', 'ACL WHOAMI', '$7\r\ndefault\r\n'),
      pipe('A', ['AUTH u1 p1', 'ACL WHOAMI', 'AUTH u2 p2', 'ACL WHOAMI', 'SET one:k v'], 5),
    ],
  },
  {
    item: 7,
    title: 'users do not see each other’s rights',
    ...USERS,
    steps: [
      say('A', 'AUTH u1 p1'),
      say('B', 'AUTH u2 p2'),
      say('A', 'SET one:k v', '+OK\r\n'),
      say('B', 'SET two:k v', '+OK\r\n'),
      say('A', 'GET two:k', /^-NOPERM /),
      say('B', 'GET one:k', /^-NOPERM /),
      pipe('A', ['GET one:k', 'GET two:k', 'FLUSHALL', 'GET one:k'], 4),
      pipe('B', ['GET two:k', 'GET one:k', 'MULTI', 'GET one:k', 'GET two:k', 'EXEC'], 6),
      pipe('A', ['MULTI', 'SET one:k w', 'SET two:k w', 'EXEC', 'GET one:k'], 5),
      say('A', 'BLPOP two:q 0.1', /^-NOPERM /),
      say('A', ['EVAL', 'return redis.call("GET","two:k")', 0], /^-ERR|^-NOPERM/),
    ],
  },
  {
    item: 8,
    title: 'before AUTH nothing but AUTH, HELLO, RESET and QUIT',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'PING', '-NOAUTH Authentication required.\r\n'),
      say('A', 'GET k', '-NOAUTH Authentication required.\r\n'),
      say('A', 'NOSUCH', /^-/),
      say('A', 'HELLO 3', /^-NOAUTH HELLO must be called with the client already authenticated/),
      say('A', 'SUBSCRIBE a', '-NOAUTH Authentication required.\r\n'),
      say('A', 'MULTI', /^-NOAUTH/),
      say('A', 'RESET', '+RESET\r\n'),
      say('A', 'AUTH wrong', /^-WRONGPASS /),
      pipe('A', [`AUTH ${PASSWORD}`, 'PING', 'SET k v'], 3, '+OK\r\n+PONG\r\n+OK\r\n'),
      pipe('B', ['SET k w', `HELLO 3 AUTH default ${PASSWORD} SETNAME b`, 'GET k'], 3),
      say('C', 'QUIT', '+OK\r\n'),
      eof('C', ''),
    ],
  },
  {
    item: 8,
    title: 'before AUTH more than ten arguments are refused',
    steps: [raw('A', '*11\r\n', 0), eof('A', /unauthenticated multibulk length/)],
  },
  {
    item: 8,
    title: 'before AUTH a bulk of more than 16,384 bytes is refused',
    steps: [raw('A', '*2\r\n$4\r\nAUTH\r\n$16385\r\n', 0), eof('A', /unauthenticated bulk length/)],
  },
  {
    item: 9,
    title: 'RESET forgets who somebody was',
    ...USERS,
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3 AUTH u1 p1 SETNAME me', /^%7/),
      say('A', 'SELECT 2'),
      pipe('A', ['SUBSCRIBE one:c'], 1),
      say('A', 'RESET', '+RESET\r\n'),
      say('A', 'PING', '-NOAUTH Authentication required.\r\n'),
      say('A', `AUTH ${PASSWORD}`, '+OK\r\n'),
      say('A', 'CLIENT GETNAME', '$-1\r\n'),
      say('A', 'GET missing', '$-1\r\n'),
      say('A', 'DBSIZE', ':0\r\n'),
      say('A', 'PUBLISH one:c m', ':0\r\n'),
    ],
  },
  {
    item: 13,
    title: 'ACL DELUSER closes the clients of that user and no others',
    ...USERS,
    steps: [
      say('A', 'AUTH u1 p1'),
      say('B', 'AUTH u1 p1'),
      say('C', 'AUTH u2 p2'),
      say('D', `AUTH ${PASSWORD}`),
      say('A', 'SET one:k v'),
      say('C', 'SET two:k v'),
      server('ACL DELUSER u1', '1'),
      eof('A', ''),
      eof('B', ''),
      say('C', 'GET two:k', '$1\r\nv\r\n'),
      say('D', 'GET two:k', '$1\r\nv\r\n'),
      say('E', 'AUTH u1 p1', /^-WRONGPASS /),
    ],
  },
]

conformance('authentication', conversations, stage)
