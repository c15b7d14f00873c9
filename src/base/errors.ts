/**
 * Every failure of the world that switchmaster names itself, in one table. `client` is the RESP
 * error line a client sees (without the leading '-' and the CRLF), or null where the failure never
 * reaches a client as a reply. A programmer's mistake is not in here: that is an assertion.
 */
export const errorTable = {
  MASTERDOWN: {
    client:
      'MASTERDOWN No master was reachable within the hold window; the command was not executed',
  },
  TRYAGAIN: {
    client: 'TRYAGAIN Too many commands wait for a new master; the command was not executed',
  },
  INDOUBT: {
    client:
      'INDOUBT The master was lost while the command was in flight; it may or may not have been executed',
  },
  MAX_CLIENTS: { client: 'ERR max number of clients reached' },
  LEASE_LIMIT: {
    client: 'TRYAGAIN No exclusive upstream link became free in time; the command was not executed',
  },
  UPLOAD_CUT: {
    client:
      'MASTERDOWN The master was lost while the command was being received; it was not executed',
  },
  DENIED: {
    client: 'ERR This command is not available through switchmaster',
  },
  HALF_REPLY: { client: null },
  LINK_LOST: { client: null },
  LINK_REFUSED: { client: null },
  LINK_TIMEOUT: { client: null },
  HANDSHAKE_FAILED: { client: null },
  NOT_MASTER: { client: null },
  PROTOCOL: { client: null },
  CLIENT_GONE: { client: null },
  OUTPUT_LIMIT: { client: null },
  FENCED: { client: null },
  SHUTDOWN: { client: null },
  NO_SENTINEL: { client: null },
  CONFIG: { client: null },
  FEED: { client: null },
  REFUSED: { client: null },
} as const satisfies Record<string, { readonly client: string | null }>

/** The closed list of our own failures. */
export type ErrorCode = keyof typeof errorTable

/** A failure of the world (network, servers, input), told by its code and never by its text. */
export class ProxyError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message?: string, options?: { cause?: unknown }) {
    super(message ?? errorTable[code].client ?? code, options)
    this.name = 'ProxyError'
    this.code = code
  }
}

const replies = new Map<ErrorCode, Uint8Array>()

/** The whole RESP error reply for a code that clients can see. */
export function errorReply(code: ErrorCode): Uint8Array {
  let reply = replies.get(code)
  if (reply === undefined) {
    reply = Buffer.from(`-${errorTable[code].client ?? `ERR internal error ${code}`}\r\n`)
    replies.set(code, reply)
  }
  return reply
}

/** The sentence of anything that was thrown, for logs. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
