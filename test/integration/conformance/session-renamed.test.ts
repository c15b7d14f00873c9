import { conformance, conformanceStage } from '../../support/conformance.ts'
import { act, ask, blocked, eof, pipe, read, say, waitFor } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'

const stage = conformanceStage({
  nodeConfig: [
    'rename-command BLPOP await-element',
    'rename-command SWAPDB ""',
    'rename-command WATCH guard',
    'rename-command EXEC commit',
    'rename-command SCRIPT scripts',
    'rename-command MONITOR listen',
    'rename-command QUIT bye',
    'rename-command DEBUG dbg',
  ],
  proxyArgs: [
    '--rename-commands',
    'BLPOP=await-element,WATCH=guard,EXEC=commit,SCRIPT=scripts,MONITOR=listen,QUIT=bye,DEBUG=dbg',
  ],
})

const conversations: readonly Conversation[] = [
  {
    item: 64,
    title: 'a renamed command goes the way of the old one: BLPOP waits on a link of its own',
    steps: [
      ask('A', 'AWAIT-ELEMENT q 0'),
      blocked(1),
      say('B', 'RPUSH q x', ':1\r\n'),
      read('A', 1, '*2\r\n$1\r\nq\r\n$1\r\nx\r\n'),
      say('A', 'await-element q 0.05', '*-1\r\n'),
      say('A', 'BLPOP q 0', /^-ERR unknown command/),
      say('A', 'SWAPDB 0 1', /^-ERR unknown command/),
    ],
  },
  {
    item: 64,
    title: 'renamed commands of a transaction',
    steps: [
      say('A', 'guard k', '+OK\r\n'),
      say('B', 'SET k 1', '+OK\r\n'),
      pipe(
        'A',
        ['MULTI', 'INCR n', 'EXEC', 'GET k', 'COMMIT'],
        5,
        /^\+OK\r\n\+QUEUED\r\n-ERR unknown/,
      ),
      pipe('A', ['MULTI', 'INCR n', 'commit'], 3, '+OK\r\n+QUEUED\r\n*1\r\n:1\r\n'),
      say('A', 'guard k', '+OK\r\n'),
      say('B', 'SET k 2', '+OK\r\n'),
      pipe('A', ['MULTI', 'INCR n', 'commit'], 3, '+OK\r\n+QUEUED\r\n*-1\r\n'),
    ],
  },
  {
    item: 64,
    title: 'a container keeps its subcommands, and the session its verbs',
    steps: [
      say('A', 'SCRIPTS LOAD return', /^\$40\r\n/),
      say('A', 'scripts kill', '-NOTBUSY No scripts in execution right now.\r\n'),
      say('A', 'SCRIPT KILL', /^-ERR unknown command/),
      say('A', 'dbg jmap', /^[-+]/),
      ask('M', 'LISTEN'),
      read('M', 1, '+OK\r\n'),
      act('nobody is left', () => undefined),
      say('A', 'BYE', '+OK\r\n'),
      eof('A', ''),
      waitFor('PING', /PONG/),
    ],
  },
]

conformance('rename-command', conversations, stage)
