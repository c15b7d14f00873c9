import { conformance, conformanceStage } from '../../support/conformance.ts'
import {
  HELLO_ID,
  ask,
  blocked,
  drop,
  halfClose,
  eof,
  pipe,
  read,
  say,
  server,
} from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage()

/** 100 ms, as asked for; never less. */
const onTime = { took: [95, 130], quickestOf: 5 } as const

const conversations: readonly Conversation[] = [
  {
    item: 16,
    title: 'a BLPOP without end delays nobody else',
    steps: [
      ask('A', 'BLPOP q 0'),
      blocked(1),
      pipe('B', Array(10_000).fill('GET k') as string[], 10_000, undefined, { took: [0, 3_000] }),
      say('B', 'RPUSH q x', ':1\r\n'),
      read('A', 1, '*2\r\n$1\r\nq\r\n$1\r\nx\r\n'),
      say('A', 'LLEN q', ':0\r\n'),
    ],
  },
  {
    item: 17,
    title: 'timeouts of the blocking commands',
    normalise: [HELLO_ID],
    steps: [
      say('A', 'BLPOP q 0.1', '*-1\r\n', onTime),
      say('A', 'BRPOP q 0.1', '*-1\r\n', onTime),
      say('A', 'BLMOVE q r LEFT RIGHT 0.1', '*-1\r\n', onTime),
      say('A', 'BLMPOP 0.1 2 q r LEFT', '*-1\r\n', onTime),
      say('A', 'BZPOPMIN z 0.1', '*-1\r\n', onTime),
      say('A', 'BZMPOP 0.1 1 z MIN', '*-1\r\n', onTime),
      say('A', 'XREAD BLOCK 100 STREAMS s $', '*-1\r\n', onTime),
      say('A', 'HELLO 3'),
      say('A', 'BLPOP q 0.1', '_\r\n', onTime),
      say('A', 'BLMOVE q r LEFT RIGHT 0.1', '_\r\n', onTime),
    ],
  },
  {
    item: 17,
    title: 'timeouts that are none',
    steps: [
      say('A', 'BLPOP q -1', '-ERR timeout is negative\r\n'),
      say('A', 'BLPOP q abc', '-ERR timeout is not a float or out of range\r\n'),
      say('A', 'BLPOP q', /^-ERR wrong number of arguments/),
      say('A', 'BLMPOP abc 1 q LEFT', '-ERR timeout is not a float or out of range\r\n'),
      say('A', 'XREAD BLOCK abc STREAMS s 0', '-ERR timeout is not an integer or out of range\r\n'),
      say('A', 'XREAD BLOCK', /^-ERR/),
      say('A', 'BLMPOP 0 0 q LEFT', /^-ERR numkeys/),
    ],
  },
  {
    item: 18,
    title: 'a client that left while it waited takes nothing',
    steps: [
      ask('A', 'BLPOP q 0'),
      blocked(1),
      drop('A'),
      blocked(0),
      say('B', 'RPUSH q x', ':1\r\n'),
      server('LRANGE q 0 -1', '["x"]'),
    ],
  },
  {
    item: 18,
    title: 'a half-closed client that waits is ended and takes nothing',
    steps: [
      ask('A', 'BLPOP q 0'),
      blocked(1),
      halfClose('A'),
      eof('A', ''),
      blocked(0),
      say('B', 'RPUSH q x', ':1\r\n'),
      server('LRANGE q 0 -1', '["x"]'),
    ],
  },
  {
    item: 19,
    title: 'a stream named BLOCK does not block',
    steps: [
      say('A', 'XREAD STREAMS BLOCK 0-0', '*-1\r\n', { took: [0, 90] }),
      say('B', 'XADD BLOCK 1-1 f v'),
      say('A', 'XREAD COUNT 1 STREAMS BLOCK 0-0', /^\*1\r\n/),
    ],
  },
  {
    item: 20,
    title: 'XREAD BLOCK with $ and XREADGROUP BLOCK with > get what is added',
    steps: [
      ask('A', 'XREAD BLOCK 0 STREAMS s $'),
      blocked(1),
      say('B', 'XADD s 1-1 f v'),
      read('A', 1, /^\*1\r\n\*2\r\n\$1\r\ns\r\n/),
      say('B', 'XGROUP CREATE s g $', '+OK\r\n'),
      ask('A', 'XREADGROUP GROUP g me COUNT 5 BLOCK 0 STREAMS s >'),
      blocked(1),
      say('B', 'XADD s 2-1 f w'),
      read('A', 1, /2-1/),
      say('A', 'XACK s g 2-1', ':1\r\n'),
    ],
  },
  {
    item: 21,
    title: 'a blocking command in the middle of a pipeline keeps its place',
    steps: [
      pipe('A', ['SET k 1', 'BLPOP q 0.2', 'GET k'], 3, '+OK\r\n*-1\r\n$1\r\n1\r\n'),
      pipe('A', ['RPUSH q x', 'BLPOP q 1', 'LLEN q', 'SET k 2', 'BRPOP q 0.1', 'GET k'], 6),
      pipe('A', ['SET k 3', 'BLPOP q 0', 'GET k', 'INCR k'], 0),
      blocked(1),
      say('B', 'SET k 7', '+OK\r\n'),
      say('B', 'RPUSH q y', ':1\r\n'),
      read('A', 4, /\r\n\$1\r\n7\r\n:8\r\n$/),
    ],
  },
  {
    item: 22,
    title: 'CLIENT UNBLOCK releases a waiting client by its id',
    steps: [
      say('A', 'CLIENT ID', undefined, { save: 'a' }),
      say('B', 'CLIENT UNBLOCK $a', ':0\r\n'),
      ask('A', 'BLPOP q 0'),
      blocked(1),
      say('B', 'CLIENT UNBLOCK $a', ':1\r\n'),
      read('A', 1, '*-1\r\n'),
      ask('A', 'BLPOP q 0'),
      blocked(1),
      say('B', 'CLIENT UNBLOCK $a ERROR', ':1\r\n'),
      read('A', 1, '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'),
      say('B', 'CLIENT UNBLOCK 999999999', ':0\r\n'),
      say('B', 'CLIENT UNBLOCK abc', '-ERR value is not an integer or out of range\r\n'),
      say('A', 'PING', '+PONG\r\n'),
    ],
  },
]

conformance('blocking commands', conversations, stage)
