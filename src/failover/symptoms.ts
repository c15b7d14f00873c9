import type { Exchange } from '../dispatcher.ts'

/** What the data path itself sees of a master that is none any more; the label of `holds_total`. */
export type Symptom = 'readonly' | 'loading' | 'masterdown' | 'unblocked' | 'link-lost'

/**
 * Replies that a server gives before it executes anything (server.c: processCommand → rejectCommand;
 * blocked.c: disconnectAllBlockedClients), so that the command may be sent to the next master.
 */
const proofs: readonly (readonly [text: string, symptom: Symptom])[] = [
  ['-READONLY ', 'readonly'],
  ['-LOADING ', 'loading'],
  ['-MASTERDOWN ', 'masterdown'],
  ['-EXECABORT Transaction discarded because of: READONLY', 'readonly'],
  ['-EXECABORT Transaction discarded because of: LOADING', 'loading'],
  ['-EXECABORT Transaction discarded because of: MASTERDOWN', 'masterdown'],
  ['-UNBLOCKED force unblock from blocking operation', 'unblocked'],
]

/** The symptom that an error reply shows, or null when it is an ordinary answer. */
export function symptomOf(bytes: Uint8Array, start: number, end: number): Symptom | null {
  const second = bytes[start + 1] as number
  // R, L, M, E, U: most errors are -ERR, -WRONGTYPE or -NOSCRIPT and are told by one byte
  if (second !== 82 && second !== 76 && second !== 77 && second !== 69 && second !== 85) return null
  if (second === 69 && bytes[start + 2] === 82) return null // -ER
  for (const [text, symptom] of proofs) {
    if (startsWith(bytes, start, end, text)) return symptom
  }
  return null
}

/** Is the error reply of this command perhaps the words of a script, said after it changed data? */
export function isScript(exchange: Exchange): boolean {
  const { name } = exchange.traits
  return name.startsWith('eval') || name.startsWith('fcall')
}

/**
 * May READONLY in reply to this script be the server's own? A replica lets no script change anything,
 * so that a script it has stopped may be sent again. Whether it is one, only the server can tell.
 */
export function mayBeRefused(exchange: Exchange): boolean {
  return isScript(exchange) && exchange.body === 'whole'
}

/** What is meant for the very master that it was sent to, and must not reach the next one. */
export function isForOneMaster({ traits: { name } }: Exchange): boolean {
  return name === 'shutdown' || name === 'failover' || name === 'replicaof' || name === 'slaveof'
}

/** May this command be taken back on the strength of an error reply, and sent again? */
export function provesNotExecuted(exchange: Exchange): boolean {
  return !isScript(exchange) && exchange.body === 'whole'
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start < text.length) return false
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false
  }
  return true
}
