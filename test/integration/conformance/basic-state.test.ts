import { createHash } from 'node:crypto'

import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, eof, halfClose, pipe, raw, say, server } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage()

const everyByte = Buffer.from(Array.from({ length: 256 }, (_each, n) => n))

const GET_KEY = 'return redis.call("GET",KEYS[1])'

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

const strings: readonly Conversation[] = [
  {
    item: 0,
    title: 'strings, several keys at once, every byte value',
    steps: [
      say('A', 'SET k v', '+OK\r\n'),
      say('A', 'GET k', '$1\r\nv\r\n'),
      say('A', 'GET missing', '$-1\r\n'),
      say('A', 'MSET a 1 b 2 c 3', '+OK\r\n'),
      say('A', 'MGET a missing c', '*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n'),
      say('A', 'DEL a b missing', ':2\r\n'),
      say('A', ['SET', everyByte, everyByte], '+OK\r\n'),
      say('A', ['GET', everyByte], `$256\r\n${everyByte.toString('latin1')}\r\n`),
      say('A', ['SET', '', ''], '+OK\r\n'),
      say('A', ['GET', ''], '$0\r\n\r\n'),
      say('A', 'INCR k', '-ERR value is not an integer or out of range\r\n'),
      say('A', 'LPUSH k x', /^-WRONGTYPE /),
      say('A', 'INCR c', ':4\r\n'),
      say('A', 'SET k', "-ERR wrong number of arguments for 'set' command\r\n"),
    ],
  },
  {
    item: 0,
    title: 'Lua: values, errors, EVALSHA of a known and of an unknown script',
    steps: [
      say('A', ['EVAL', 'return {1,"a",redis.call("SET",KEYS[1],ARGV[1])}', 1, 'k', 'v']),
      say('A', ['SCRIPT', 'LOAD', GET_KEY], /^\$40\r\n/),
      say('A', ['EVALSHA', sha1(GET_KEY), 1, 'k'], '$1\r\nv\r\n'),
      say('A', ['EVALSHA', '0'.repeat(40), 0], /^-NOSCRIPT /),
      say('A', ['EVAL', 'return redis.call("NOSUCH")', 0], /^-ERR /),
      say('A', ['EVAL', 'return redis.error_reply("MINE of my own")', 0], '-MINE of my own\r\n'),
      say('A', ['EVAL', 'this is not lua', 0], /^-ERR Error compiling script/),
      say('A', ['EVAL', 'return {}', 0], '*0\r\n'),
      say('A', ['EVAL', 'return 1', 2, 'k'], /^-ERR Number of keys/),
    ],
  },
]

const sharing: readonly Conversation[] = [
  {
    item: 2,
    title: 'SELECT of one client leaves another in its db',
    steps: [
      say('A', 'SELECT 3', '+OK\r\n'),
      say('B', 'SET k of-0', '+OK\r\n'),
      say('A', 'SET k of-3', '+OK\r\n'),
      say('B', 'GET k', '$4\r\nof-0\r\n'),
      say('A', 'GET k', '$4\r\nof-3\r\n'),
      pipe('B', ['SELECT 5', 'SET k of-5', 'SELECT 0', 'GET k'], 4),
      pipe('A', ['GET k', 'SELECT 5', 'GET k', 'SELECT 3', 'DBSIZE'], 5),
      server('DBSIZE', '1'),
    ],
  },
  {
    item: 3,
    title: 'SELECT of a db that does not exist',
    steps: [
      say('A', 'SELECT 2', '+OK\r\n'),
      say('A', 'SELECT 99', '-ERR DB index is out of range\r\n'),
      say('A', 'SELECT -1', '-ERR DB index is out of range\r\n'),
      say('A', 'SELECT abc', '-ERR value is not an integer or out of range\r\n'),
      say('A', 'SELECT', "-ERR wrong number of arguments for 'select' command\r\n"),
      say('A', 'SELECT 1 2', "-ERR wrong number of arguments for 'select' command\r\n"),
      say('A', 'SET k of-2', '+OK\r\n'),
      say('A', 'SELECT 0', '+OK\r\n'),
      say('A', 'GET k', '$-1\r\n'),
    ],
  },
  {
    item: 4,
    title: 'HELLO 3 of one client does not change the replies of another',
    normalise: [HELLO_ID],
    steps: [
      say('B', 'HSET h f v'),
      say('A', 'HELLO 3', /^%7\r\n/),
      say('A', 'HGETALL h', '%1\r\n$1\r\nf\r\n$1\r\nv\r\n'),
      say('B', 'HGETALL h', '*2\r\n$1\r\nf\r\n$1\r\nv\r\n'),
      say('A', 'GET missing', '_\r\n'),
      say('B', 'GET missing', '$-1\r\n'),
      say('A', 'ZADD z 1.5 m'),
      say('A', 'ZSCORE z m', ',1.5\r\n'),
      say('B', 'ZSCORE z m', '$3\r\n1.5\r\n'),
      say('A', 'HELLO 2', /^\*14\r\n/),
      say('A', 'HGETALL h', '*2\r\n$1\r\nf\r\n$1\r\nv\r\n'),
      say('B', 'HELLO', /^\*14\r\n/),
    ],
  },
  {
    item: 5,
    title: 'HELLO that is refused changes nothing',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 4', '-NOPROTO unsupported protocol version\r\n'),
      say('A', 'HELLO 1', '-NOPROTO unsupported protocol version\r\n'),
      say('A', 'HELLO abc', '-ERR Protocol version is not an integer or out of range\r\n'),
      say('A', 'GET missing', '$-1\r\n'),
      say('A', ['HELLO', '3', 'SETNAME', 'a b'], /^-ERR Client names cannot contain/),
      say('A', 'CLIENT GETNAME', '$-1\r\n'),
      say('A', 'GET missing', '$-1\r\n'),
      say('A', 'HELLO 3 NOSUCH', /^-ERR Syntax error in HELLO option/),
      say('A', 'HELLO 3 SETNAME', /^-ERR Syntax error in HELLO option/),
      say('A', 'HELLO 3 AUTH default', /^-ERR Syntax error in HELLO option/),
      say('A', 'HELLO 3 AUTH default wrong', /^(-WRONGPASS|%7)/),
      say('A', 'HELLO 3 SETNAME good', /^%7/),
      say('A', 'CLIENT GETNAME', '$4\r\ngood\r\n'),
    ],
  },
  {
    item: 9,
    title: 'RESET puts everything back',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'SELECT 4'),
      say('A', 'HELLO 3'),
      say('A', 'CLIENT SETNAME me'),
      say('A', 'SET k of-4'),
      say('A', 'SUBSCRIBE c'),
      say('A', 'RESET', '+RESET\r\n'),
      say('A', 'GET k', '$-1\r\n'),
      say('A', 'CLIENT GETNAME', '$-1\r\n'),
      say('B', 'PUBLISH c m', ':0\r\n'),
      say('A', 'PING', '+PONG\r\n'),
      pipe('A', ['MULTI', 'SET k 1', 'RESET', 'EXEC', 'GET k'], 5),
    ],
  },
  {
    item: 10,
    title: 'CLIENT SETNAME and GETNAME belong to one client',
    steps: [
      say('A', 'CLIENT GETNAME', '$-1\r\n'),
      say('A', 'CLIENT SETNAME alpha', '+OK\r\n'),
      say('B', 'CLIENT SETNAME beta', '+OK\r\n'),
      say('A', 'CLIENT GETNAME', '$5\r\nalpha\r\n'),
      say('B', 'CLIENT GETNAME', '$4\r\nbeta\r\n'),
      say('A', ['CLIENT', 'SETNAME', 'with space'], /^-ERR Client names cannot contain spaces/),
      say('A', ['CLIENT', 'SETNAME', 'line\nfeed'], /^-ERR Client names cannot contain spaces/),
      say('A', 'CLIENT GETNAME', '$5\r\nalpha\r\n'),
      say('A', ['CLIENT', 'SETNAME', ''], '+OK\r\n'),
      say('A', 'CLIENT GETNAME', '$-1\r\n'),
      say('A', 'CLIENT SETNAME', /^-ERR wrong number of arguments/),
      say('A', 'CLIENT GETNAME x', /^-ERR wrong number of arguments/),
    ],
  },
  {
    item: 11,
    title: 'CLIENT SETINFO is answered as the server answers it',
    steps: [
      say('A', 'CLIENT SETINFO LIB-NAME x', /^-ERR unknown subcommand/),
      say('A', 'CLIENT MAINT_NOTIFICATIONS ON', /^-ERR unknown subcommand/),
      say('A', 'CLIENT NOSUCH', /^-ERR unknown subcommand/),
      say('A', 'CLIENT', /^-ERR wrong number of arguments/),
    ],
  },
  {
    item: 12,
    title: 'CLIENT ID is stable, unique and the id of HELLO',
    steps: [
      say('A', 'CLIENT ID', /^:\d+\r\n$/, { save: 'a' }),
      say('B', 'CLIENT ID', /^:\d+\r\n$/, { save: 'b' }),
      say('A', 'CLIENT ID', undefined, { ids: true }),
      say('B', 'CLIENT ID', undefined, { ids: true }),
      say('A', 'HELLO 2', undefined, { ids: true }),
      say('A', 'MULTI'),
      say('A', 'CLIENT ID', '+QUEUED\r\n'),
      say('A', 'EXEC', undefined, { ids: true }),
    ],
  },
  {
    item: 14,
    title: 'QUIT after pipelined commands: all replies, +OK, the end; what follows is ignored',
    steps: [
      pipe('A', ['SET k 1', 'GET k', 'QUIT', 'SET k 2'], 0),
      eof('A', '+OK\r\n$1\r\n1\r\n+OK\r\n'),
      say('B', 'GET k', '$1\r\n1\r\n'),
    ],
  },
  {
    item: 15,
    title: 'half-close after SET and GET: both replies, then the end',
    steps: [
      pipe('A', ['SET k 1', 'GET k'], 0),
      halfClose('A'),
      eof('A', '+OK\r\n$1\r\n1\r\n'),
      raw('B', '*1\r\n$4\r\nPING\r\n', 1, '+PONG\r\n'),
    ],
  },
]

conformance('strings and scripts', strings, stage)
conformance('sharing and state', sharing, stage)
