import type { Reply } from '../protocol/reply.ts'
import type { LearnedCommand } from './learned.ts'

/** The commands that a server's reply to COMMAND lists (server.c: addReplyCommandInfo); [] if none. */
export function learnedCommands(reply: Reply): LearnedCommand[] {
  return elements(reply).flatMap((entry) => {
    const [name, arity, flags] = elements(entry)
    if (!Buffer.isBuffer(name) || typeof arity !== 'number') return []
    return [
      {
        name: name.toString('latin1'),
        arity,
        flags: elements(flags).map(String),
        subcommands: learnedCommands(elements(entry)[9] ?? null),
      },
    ]
  })
}

function elements(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []
}
