import type { ConnectionOptions } from 'node:tls'

/** How links to one master are made. Times in milliseconds, sizes in bytes. */
export interface LinkOptions {
  readonly host: string
  readonly port: number
  readonly tls: ConnectionOptions | null
  /** The first part of the name that links have in CLIENT LIST. */
  readonly clientName: string
  /** From the start of the connection to the end of the handshake. */
  readonly handshakeTimeoutMs: number
  /** Above this many unwritten bytes, clients are not read. */
  readonly highWaterBytes: number
  /** The longest that one slow reader may stop the others of its shared link, once per reply. */
  readonly slowReaderStallMs: number
}
