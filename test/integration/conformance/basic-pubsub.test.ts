import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, drop, eof, pipe, read, say, waitFor } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage()

const ONLY = 'are allowed in this context'

const conversations: readonly Conversation[] = [
  {
    item: 43,
    title: 'confirmations: one for each argument, counts of this client',
    steps: [
      say('A', 'UNSUBSCRIBE', '*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n'),
      pipe('A', ['SUBSCRIBE a b a'], 3, /:1\r\n.*:2\r\n.*:2\r\n$/s),
      pipe('A', ['PSUBSCRIBE p* q*'], 2, /:3\r\n.*:4\r\n$/s),
      pipe('A', ['UNSUBSCRIBE b nosuch'], 2),
      pipe('A', ['UNSUBSCRIBE'], 1),
      pipe('A', ['PUNSUBSCRIBE'], 2),
      pipe('A', ['PUNSUBSCRIBE'], 1),
      say('A', 'GET k', '$-1\r\n'),
      say('A', 'SUBSCRIBE', /^-ERR wrong number of arguments/),
    ],
  },
  {
    item: 44,
    title: 'replies and messages of a subscriber are told apart (RESP2)',
    steps: [
      pipe('A', ['SET k v', 'SUBSCRIBE a', 'PING'], 3),
      say('B', 'PUBLISH a m', ':1\r\n'),
      pipe('A', ['PING hello', 'UNSUBSCRIBE', 'GET k'], 4, /\$1\r\nv\r\n$/),
      pipe('A', ['SUBSCRIBE a', 'GET k', 'UNSUBSCRIBE a', 'GET k'], 4),
      say('B', 'PUBLISH a m', ':0\r\n'),
      say('A', ['ECHO', 'message'], '$7\r\nmessage\r\n'),
      say('B', 'RPUSH l message a m'),
      say('A', 'LRANGE l 0 -1'),
    ],
  },
  {
    item: 44,
    title: 'replies and messages of a subscriber are told apart (RESP3)',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      pipe('A', ['SET k v', 'SUBSCRIBE a', 'PING', 'GET k'], 4),
      say('B', 'PUBLISH a m', ':1\r\n'),
      pipe('A', ['PING hello', 'UNSUBSCRIBE', 'GET k'], 4, /\$1\r\nv\r\n$/),
      pipe('A', ['UNSUBSCRIBE', 'SUBSCRIBE a b', 'UNSUBSCRIBE', 'INCR n'], 6),
    ],
  },
  {
    item: 45,
    title: 'what a subscriber may not ask',
    steps: [
      pipe('A', ['SUBSCRIBE a'], 1),
      say('A', 'GET k', new RegExp(`^-ERR Can't execute 'get': .*${ONLY}\r\n$`)),
      say('A', 'CLIENT ID', new RegExp(`^-ERR Can't execute 'client\\|id': .*${ONLY}\r\n$`)),
      say('A', 'NOSUCH', /^-ERR unknown command/),
      say('A', 'GET', /^-ERR wrong number of arguments/),
      say('A', 'MULTI', new RegExp(ONLY)),
      say('A', 'PING', '*2\r\n$4\r\npong\r\n$0\r\n\r\n'),
      say('A', 'PING x', '*2\r\n$4\r\npong\r\n$1\r\nx\r\n'),
      say('A', 'RESET', '+RESET\r\n'),
      say('A', 'GET k', '$-1\r\n'),
      pipe('A', ['SUBSCRIBE a', 'QUIT', 'PING'], 0),
      eof('A', /\+OK\r\n$/),
    ],
  },
  {
    item: 47,
    title: 'PUBLISH and PUBSUB count as the server counts',
    steps: [
      say('B', 'PUBLISH a m', ':0\r\n'),
      pipe('A', ['SUBSCRIBE a'], 1),
      pipe('C', ['SUBSCRIBE a', 'PSUBSCRIBE a*'], 2),
      say('B', 'PUBLISH a m', ':3\r\n'),
      read('A', 1, '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n'),
      read('C', 2),
      say('B', 'PUBSUB NUMSUB a b', '*4\r\n$1\r\na\r\n:2\r\n$1\r\nb\r\n:0\r\n'),
      say('B', 'PUBSUB CHANNELS a*', '*1\r\n$1\r\na\r\n'),
      drop('C'),
      waitFor('PUBSUB NUMSUB a', /^\["a",1\]$/),
      say('B', 'PUBLISH a m', ':1\r\n'),
    ],
  },
  {
    item: 48,
    title: 'shard channels and patterns',
    normalise: [HELLO_ID],
    steps: [
      pipe('A', ['SSUBSCRIBE s', 'SUBSCRIBE a', 'PSUBSCRIBE a?'], 3),
      say('B', 'SPUBLISH s m', ':1\r\n'),
      read('A', 1, '*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nm\r\n'),
      say('B', 'PUBLISH ab m', ':1\r\n'),
      read('A', 1, /^\*4\r\n\$8\r\npmessage\r\n/),
      say('B', 'PUBLISH s m', ':0\r\n'),
      say('B', 'PUBSUB SHARDNUMSUB s', '*2\r\n$1\r\ns\r\n:1\r\n'),
      pipe('A', ['SUNSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'PING'], 4, /\+PONG\r\n$/),
      say('C', 'HELLO 3'),
      pipe('C', ['PSUBSCRIBE *x*', 'SSUBSCRIBE s', 'GET k'], 3),
      say('B', 'PUBLISH axb m', ':1\r\n'),
      read('C', 1, /^>4\r\n\$8\r\npmessage\r\n/),
    ],
  },
]

conformance('publish and subscribe', conversations, stage)
