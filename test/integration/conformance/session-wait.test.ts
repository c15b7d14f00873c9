import { conformance, conformanceStage } from '../../support/conformance.ts'
import { act, ask, blocked, pipe, read, say } from '../../support/conversation.ts'
import type { Conversation, Stage } from '../../support/conversation.ts'

const stage = conformanceStage()

const frozen = act('the replica freezes', ({ group }: Stage) => {
  for (const replica of group.replicas) replica.signal('SIGSTOP')
})
const thawed = act('the replica thaws', ({ group }: Stage) => {
  for (const replica of group.replicas) replica.signal('SIGCONT')
})

const conversations: readonly Conversation[] = [
  {
    item: 23,
    title: 'WAIT after SET with a frozen replica counts nobody and waits',
    steps: [
      say('A', 'SET k 1'),
      say('A', 'WAIT 1 3000', ':1\r\n'),
      frozen,
      say('A', 'SET k 2'),
      say('A', 'WAIT 1 300', ':0\r\n', { took: [295, 450] }),
      pipe('A', ['SET k 3', 'WAIT 1 100', 'GET k'], 3, '+OK\r\n:0\r\n$1\r\n3\r\n'),
      thawed,
      say('A', 'WAIT 1 3000', ':1\r\n'),
    ],
  },
  {
    item: 24,
    title: 'WAIT of a client whose writes went another way before',
    steps: [
      frozen,
      pipe('A', Array(100).fill('INCR n') as string[], 100),
      say('A', 'GET n', '$3\r\n100\r\n'),
      say('A', 'WAIT 1 300', ':0\r\n', { took: [295, 450] }),
      thawed,
      say('A', 'WAIT 1 3000', ':1\r\n'),
    ],
  },
  {
    item: 26,
    title: 'WAIT that waits for nobody, and errors',
    steps: [
      say('A', 'SET k 1'),
      say('A', 'WAIT 1 3000', ':1\r\n'),
      say('A', 'WAIT 0 0', ':1\r\n', { took: [0, 90] }),
      say('A', 'WAIT x 1', '-ERR value is not an integer or out of range\r\n'),
      say('A', 'WAIT 1 -1', '-ERR timeout is negative\r\n'),
      say('A', 'WAIT 1 x', '-ERR timeout is not an integer or out of range\r\n'),
      say('A', 'WAIT 1', "-ERR wrong number of arguments for 'wait' command\r\n"),
      say('A', 'WAITAOF 0 0 0', /^-ERR unknown command/),
      frozen, // what it counts is otherwise a matter of when the replica last said how far it is
      say('A', 'SET k 2'),
      pipe('A', ['MULTI', 'WAIT 0 0', 'EXEC'], 3, '+OK\r\n+QUEUED\r\n*1\r\n:0\r\n'),
      thawed,
    ],
  },
  {
    item: 27,
    title: 'WAIT of one client delays no other',
    steps: [
      frozen,
      say('A', 'SET k 1'),
      say('B', 'PING', '+PONG\r\n'),
      ask('A', 'WAIT 1 700'),
      blocked(1),
      say('B', 'GET k', '$1\r\n1\r\n', { took: [0, 200] }),
      say('B', 'SET k 2', '+OK\r\n', { took: [0, 200] }),
      read('A', 1, ':0\r\n'),
      thawed,
    ],
  },
]

conformance('WAIT', conversations, stage)
