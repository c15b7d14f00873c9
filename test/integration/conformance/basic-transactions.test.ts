import { conformance, conformanceStage } from '../../support/conformance.ts'
import { HELLO_ID, drop, eof, pipe, say, server } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage()

const ABORTED = '-EXECABORT Transaction discarded because of previous errors.\r\n'

const conversations: readonly Conversation[] = [
  {
    item: 28,
    title: 'MULTI … EXEC in one packet and one by one',
    steps: [
      pipe('A', ['MULTI', 'SET k v', 'GET k', 'EXEC'], 4),
      say('A', 'MULTI', '+OK\r\n'),
      say('A', 'SET k w', '+QUEUED\r\n'),
      say('B', 'GET k', '$1\r\nv\r\n'),
      say('A', 'INCR k', '+QUEUED\r\n'),
      say('A', 'EXEC', '*2\r\n+OK\r\n-ERR value is not an integer or out of range\r\n'),
      pipe('A', ['MULTI', 'EXEC'], 2, '+OK\r\n*0\r\n'),
      pipe('A', ['MULTI', 'SET k x', 'DISCARD', 'GET k'], 4, /\$1\r\nw\r\n$/),
      pipe('A', ['GET k', 'MULTI', 'GET k'], 3),
      pipe('A', ['EXEC', 'GET k', 'MULTI', 'GET k', 'EXEC', 'GET k'], 6),
    ],
  },
  {
    item: 29,
    title: 'an error while queueing aborts the transaction',
    steps: [
      say('A', 'MULTI'),
      say('A', 'NOSUCH a', /^-ERR unknown command/),
      say('A', 'SET k v', '+QUEUED\r\n'),
      say('A', 'EXEC', ABORTED),
      pipe('A', ['MULTI', 'GET', 'SET k v', 'EXEC', 'GET k'], 5),
      pipe('A', ['MULTI', 'SHUTDOWN', 'EXEC'], 3),
    ],
  },
  {
    item: 30,
    title: 'MULTI and WATCH within a transaction',
    steps: [
      say('A', 'MULTI'),
      say('A', 'MULTI', '-ERR MULTI calls can not be nested\r\n'),
      say('A', 'WATCH k', '-ERR WATCH inside MULTI is not allowed\r\n'),
      say('A', 'SET k v', '+QUEUED\r\n'),
      say('A', 'EXEC'),
      pipe('A', ['MULTI', 'SET k w', 'MULTI', 'WATCH k', 'UNWATCH', 'EXEC', 'GET k'], 7),
    ],
  },
  {
    item: 31,
    title: 'WATCH: a write of another client makes EXEC nil',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'WATCH k', '+OK\r\n'),
      say('B', 'SET k other'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, '+OK\r\n+QUEUED\r\n*-1\r\n'),
      say('A', 'GET k', '$5\r\nother\r\n'),
      say('A', 'HELLO 3'),
      say('A', 'WATCH k'),
      say('B', 'SET k again'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, '+OK\r\n+QUEUED\r\n_\r\n'),
      say('A', 'WATCH k'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC', 'GET k'], 4, /mine\r\n$/),
      pipe('A', ['WATCH k', 'SET k self', 'MULTI', 'GET k', 'EXEC'], 5, /_\r\n$/),
    ],
  },
  {
    item: 32,
    title: 'UNWATCH and DISCARD forget what was watched',
    steps: [
      say('A', 'WATCH k'),
      say('A', 'UNWATCH', '+OK\r\n'),
      say('B', 'SET k other'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, /\*1\r\n\+OK\r\n$/),
      pipe('A', ['WATCH k', 'MULTI', 'DISCARD'], 3),
      say('B', 'SET k other'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, /\*1\r\n\+OK\r\n$/),
      say('A', 'WATCH', /^-ERR wrong number of arguments/),
    ],
  },
  {
    item: 33,
    title: 'WATCH holds over SELECT',
    steps: [
      say('A', 'WATCH k'),
      say('A', 'SELECT 1'),
      say('B', 'SET k other'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, /\*-1\r\n$/),
      say('A', 'WATCH k'),
      say('A', 'SELECT 0'),
      say('B', 'SET k again'),
      pipe('A', ['MULTI', 'SET k mine', 'EXEC'], 3, /\*1\r\n\+OK\r\n$/),
    ],
  },
  {
    item: 34,
    title: 'EXEC and DISCARD without MULTI',
    steps: [
      say('A', 'EXEC', '-ERR EXEC without MULTI\r\n'),
      say('A', 'DISCARD', '-ERR DISCARD without MULTI\r\n'),
      say('A', 'EXEC x', /^-EXECABORT .* because of: wrong number of arguments/),
      say('A', 'MULTI x', /^-ERR wrong number of arguments/),
      pipe('A', ['SET k 1', 'EXEC', 'DISCARD', 'GET k'], 4),
      say('A', 'UNWATCH', '+OK\r\n'),
    ],
  },
  {
    item: 36,
    title: 'a client that leaves in MULTI has done nothing and leaves nothing behind',
    steps: [
      say('A', 'MULTI'),
      say('A', 'SET k 1', '+QUEUED\r\n'),
      drop('A'),
      say('B', 'GET k', '$-1\r\n'),
      say('B', 'EXEC', '-ERR EXEC without MULTI\r\n'),
      say('B', 'WATCH k'),
      drop('B'),
      say('C', 'SET k 2'),
      pipe('D', ['MULTI', 'INCR k', 'EXEC'], 3, /\*1\r\n:3\r\n$/),
    ],
  },
  {
    item: 37,
    title: 'SELECT within a transaction stays, for that client alone',
    steps: [
      pipe('A', ['MULTI', 'SELECT 3', 'SET k v', 'EXEC'], 4),
      say('A', 'GET k', '$1\r\nv\r\n'),
      say('B', 'GET k', '$-1\r\n'),
      server('DBSIZE', '0'),
      say('A', 'MULTI'),
      say('A', 'SELECT 4'),
      say('A', 'DISCARD'),
      say('A', 'GET k', '$1\r\nv\r\n'),
      pipe('A', ['MULTI', 'SELECT 99', 'GET k', 'EXEC', 'GET k'], 5),
    ],
  },
  {
    item: 38,
    title: 'blocking commands within a transaction do not wait',
    steps: [
      pipe('A', ['MULTI', 'BLPOP q 0', 'EXEC'], 3, '+OK\r\n+QUEUED\r\n*1\r\n*-1\r\n'),
      pipe('A', ['MULTI', 'XREAD BLOCK 0 STREAMS s $', 'BLMOVE q r LEFT LEFT 0', 'EXEC'], 4),
      pipe('A', ['MULTI', 'RPUSH q x', 'BLPOP q 0', 'EXEC'], 4),
    ],
  },
  {
    item: 42,
    title: 'RESET and QUIT within a transaction',
    steps: [
      say('A', 'MULTI'),
      say('A', 'SET k 1'),
      say('A', 'RESET', '+RESET\r\n'),
      say('A', 'EXEC', '-ERR EXEC without MULTI\r\n'),
      pipe('A', ['MULTI', 'SET k 1', 'QUIT', 'EXEC'], 0),
      eof('A', '+OK\r\n+QUEUED\r\n+OK\r\n'),
      say('B', 'GET k', '$-1\r\n'),
    ],
  },
]

conformance('transactions', conversations, stage)
