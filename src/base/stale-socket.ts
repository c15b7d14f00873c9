import { lstatSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { ProxyError } from './errors.ts'

/**
 * Makes room at the path of a unix socket, before somebody listens there: removes the socket of a
 * process that is dead. Rejects with REFUSED where a living one listens, and where something else
 * than a socket is: that is never removed. Not for a process that shares the socket of another.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const answer = await knock(path)
  if (answer === 'ENOENT') return
  const refuse = (why: string): never => {
    throw new ProxyError('REFUSED', `${path} ${why}`)
  }
  if (answer === 'LISTENING') {
    refuse('is in use by another process: stop that one, or listen elsewhere')
  }
  const facts = lstatSync(path, { throwIfNoEntry: false })
  if (facts?.isSocket() === false) refuse('is there already and is no socket: listen elsewhere')
  // Any other answer may come from a living one, e.g. one that is too busy: the bind will tell.
  if (answer === 'ECONNREFUSED') rmSync(path, { force: true })
}

/** LISTENING, or the system's word for why nobody can be reached. Comes at once: it is a local call. */
function knock(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('LISTENING')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? 'UNKNOWN')
    })
  })
}
