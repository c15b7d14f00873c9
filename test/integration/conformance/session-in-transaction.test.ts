import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, pipe, read, say } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage()

const EXEC_ID: readonly [RegExp, string] = [/:1\r\n:\d+\r\n$/, ':1\r\n:<id>\r\n']

const conversations: readonly Conversation[] = [
  {
    item: 37,
    title: 'the name of a client within a transaction is its own, and one given there stays',
    normalise: [HELLO_ID],
    steps: [
      pipe('A', ['MULTI', 'CLIENT GETNAME', 'EXEC'], 3, /\*1\r\n\$-1\r\n$/),
      pipe('A', ['MULTI', 'CLIENT SETNAME one', 'CLIENT GETNAME', 'EXEC'], 4, /one\r\n$/),
      say('A', 'CLIENT GETNAME', '$3\r\none\r\n'),
      pipe('A', ['MULTI', 'HELLO 3 SETNAME two', 'CLIENT GETNAME', 'EXEC'], 4, /two\r\n$/),
      say('A', 'CLIENT GETNAME', '$3\r\ntwo\r\n'),
      say('B', 'CLIENT GETNAME', '$-1\r\n'),
    ],
  },
  {
    item: 51,
    title: 'CLIENT TRACKING within a transaction lasts after it',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      pipe('A', ['MULTI', 'CLIENT TRACKING ON', 'GET k', 'EXEC'], 4),
      say('A', 'GET l', '_\r\n'),
      say('B', 'SET l 1'),
      read('A', 1, '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nl\r\n'),
      pipe('A', ['MULTI', 'CLIENT TRACKING OFF', 'EXEC'], 3),
      say('A', 'GET l', '$1\r\n1\r\n'),
      say('B', 'SET l 2'),
      say('A', 'PING', '+PONG\r\n'),
    ],
  },
  {
    item: 44,
    title: 'an array that begins with "message" is a reply to a subscriber of RESP3',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'HELLO 3'),
      pipe('A', ['SUBSCRIBE c'], 1),
      say('A', 'SET k message'),
      say('A', 'MGET k k', '*2\r\n$7\r\nmessage\r\n$7\r\nmessage\r\n'),
      say('A', 'PING', '+PONG\r\n'),
      say('B', 'PUBLISH c m', ':1\r\n'),
      read('A', 1, '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n'),
    ],
  },
  {
    item: 46,
    title: 'a message between the replies of EXEC is none of them',
    normalise: [HELLO_ID, EXEC_ID],
    steps: [
      say('A', 'HELLO 3'),
      pipe('A', ['SUBSCRIBE c'], 1),
      pipe('A', ['MULTI', 'PUBLISH c m', 'CLIENT ID', 'EXEC'], 4, /message\r\n.*:1\r\n:\d+\r\n$/s),
      say('A', 'PING', '+PONG\r\n'),
    ],
  },
]

conformance('state that a transaction shows and leaves', conversations, stage)
