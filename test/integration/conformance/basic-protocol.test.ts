import { expect, test } from 'vitest'

import { conformance, conformanceStage } from '../../support/conformance.ts'
import { eof, pipe, raw, say } from '../../support/conversation.ts'
import type { Conversation } from '../../support/conversation.ts'
import { RawClient } from '../../support/raw-client.ts'
import { encode } from '../../support/resp.ts'

const stage = conformanceStage()

/** What is sent, and what a server says before it closes. B talks on beside it. */
const FAULTS: readonly (readonly [string, string, string | RegExp])[] = [
  ['a multibulk length that is no number', '*abc\r\n', /invalid multibulk length/],
  ['a multibulk length above 2^31', '*2147483648\r\n', /invalid multibulk length/],
  ['a bulk without its dollar', '*1\r\n:4\r\nPING\r\n', /expected '\$', got ':'/],
  ['a negative bulk length', '*1\r\n$-5\r\n', /invalid bulk length/],
  ['a bulk length that is no number', '*1\r\n$abc\r\n', /invalid bulk length/],
  ['an empty bulk length', '*1\r\n$\r\n', /invalid bulk length/],
  ['a bulk above proto-max-bulk-len', '*2\r\n$3\r\nGET\r\n$600000000\r\n', /invalid bulk length/],
  ['a bulk of 4 GB', '*2\r\n$3\r\nGET\r\n$4294967296\r\n', /invalid bulk length/],
  ['unbalanced quotes', 'SET k "abc\r\n', /unbalanced quotes in request/],
  ['quotes followed by a letter', 'SET k "abc"d\r\n', /unbalanced quotes in request/],
  ['an inline request of more than 64 KB', 'x'.repeat(70_000), /too big inline request/],
  ['a count line of more than 64 KB', `*${'1'.repeat(70_000)}`, /too big mbulk count string/],
  ['a bulk count line of more than 64 KB', `*1\r\n$${'1'.repeat(70_000)}`, /too big bulk count/],
  ['good commands before a bad one', '*1\r\n$4\r\nPING\r\nSET "\r\n', /^\+PONG\r\n-ERR/],
  ['commands after a bad one', '*1\r\n$-5\r\n*1\r\n$4\r\nPING\r\n', /^-ERR [^+]*$/],
  ['an HTTP request', 'POST / HTTP/1.1\r\nHost: x\r\n\r\n', ''],
  ['a Host header', 'Host: x\r\n', ''],
  ['POST as a canonical request', '*1\r\n$4\r\nPOST\r\n', ''],
]

const faults: readonly Conversation[] = FAULTS.map(([title, bytes, expected]) => ({
  item: expected === '' ? 57 : 53,
  title: `${title} closes its sender alone`,
  steps: [
    say('B', 'SET k v', '+OK\r\n'),
    raw('A', bytes, 0),
    eof('A', expected),
    say('B', 'GET k', '$1\r\nv\r\n'),
  ],
}))

const oddities: readonly Conversation[] = [
  {
    item: 52,
    title: 'requests that are none are skipped',
    steps: [
      raw('A', '*0\r\n*1\r\n$4\r\nPING\r\n', 1, '+PONG\r\n'),
      raw('A', '*-1\r\n*1\r\n$4\r\nPING\r\n', 1, '+PONG\r\n'),
      raw('A', '\r\n\n\r\n*1\r\n$4\r\nPING\r\n', 1, '+PONG\r\n'),
      raw('A', '   \r\nPING\r\n', 1, '+PONG\r\n'),
      raw('A', '*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n', 2, '+PONG\r\n+PONG\r\n'),
    ],
  },
  {
    item: 52,
    title: 'inline requests: line ends, quotes, escapes',
    steps: [
      raw('A', 'PING\n', 1, '+PONG\r\n'),
      raw('A', 'SET k v\r\nGET k\r\n', 2, '+OK\r\n$1\r\nv\r\n'),
      raw('A', 'SET k "a b\\x41\\n\\"c"\r\nGET k\r\n', 2, '+OK\r\n$7\r\na bA\n"c\r\n'),
      raw('A', "SET k 'it\\'s \\x41'\r\nGET k\r\n", 2, "+OK\r\n$9\r\nit's \\x41\r\n"),
      raw('A', '  GET    k  \t\r\n', 1),
      raw('A', 'SET "" ""\r\nGET ""\r\n', 2, '+OK\r\n$0\r\n\r\n'),
      raw('A', 'set k 1\r\n*1\r\n$4\r\nPING\r\nincr k\r\n', 3, '+OK\r\n+PONG\r\n:2\r\n'),
      raw('A', 'ECHO "\\xff\\x00\\r\\n\\t\\a\\b\\q"\r\n', 1),
    ],
  },
  {
    item: 52,
    title: 'segments of one byte',
    steps: [
      raw('A', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\r\n\r\r\n', 1, '+OK\r\n', { segment: 1 }),
      raw('A', 'GET k\r\n', 1, '$3\r\n\r\n\r\r\n', { segment: 1 }),
      raw(
        'A',
        '*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n$4\r\nEXEC\r\n',
        3,
        undefined,
        {
          segment: 1,
        },
      ),
    ],
  },
  {
    item: 55,
    title: 'a reply of 5,000 levels',
    steps: [
      say('A', ['EVAL', 'local t={} for i=1,5000 do t={t} end return t', 0]),
      say('A', 'PING', '+PONG\r\n'),
    ],
  },
  {
    item: 64,
    title: 'unknown commands: the server’s own text, with what was sent',
    steps: [
      say('A', 'NOSUCH', "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"),
      say(
        'A',
        'NOSUCH a b c',
        /^-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' 'c' /,
      ),
      say('A', ['NOSUCH', 'x'.repeat(500), 'y'], /^-ERR unknown command/),
      say('A', ['N'.repeat(500), 'y'], /^-ERR unknown command/),
      say('A', ['no\r\nsuch', 'a\r\nb'], /^-ERR unknown command/),
      say('A', ['', 'x'], /^-ERR unknown command ''/),
      say('A', 'CONFIG NOSUCH x', /^-ERR unknown subcommand/),
      say('A', 'OBJECT', /^-ERR wrong number of arguments/),
      say('A', 'SENTINEL masters', /^-ERR unknown command/),
      say('A', 'get', "-ERR wrong number of arguments for 'get' command\r\n"),
      say('A', 'WAITAOF 0 0 0', /^-ERR unknown command/),
      pipe('A', ['SET k v', 'NOSUCH', 'GET k'], 3),
    ],
  },
]

conformance('protocol errors', faults, stage)
conformance('odd requests', oddities, stage)

test('52. a pipeline of 100,000 commands is answered in order', async () => {
  const { target } = stage()
  const client = await RawClient.connect(target.port, { patience: 20_000 })
  try {
    const commands: Buffer[] = []
    for (let n = 0; n < 100_000; n += 1) commands.push(encode('ECHO', String(n)))
    await client.send(Buffer.concat(commands))
    const replies = await client.frames(100_000)
    const wrong = replies.findIndex(
      (reply, n) => reply.toString() !== `$${String(n).length}\r\n${n}\r\n`,
    )
    expect(wrong).toBe(-1)
  } finally {
    await client.destroy()
  }
}, 30_000)
