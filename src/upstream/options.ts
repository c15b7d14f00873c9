import type { ConnectionOptions } from 'node:tls'

/** How links to one master are made. Times in milliseconds, sizes in bytes. */
export interface LinkOptions {
  readonly host: string
  readonly port: number
  readonly tls: ConnectionOptions | null
  /** The first part of the name that links have in CLIENT LIST. */
  readonly clientName: string
  /** For the TCP or TLS connection to be made. */
  readonly connectTimeoutMs: number
  /** TCP keep-alive: a silent link is probed by the kernel after this time. */
  readonly keepAliveMs: number
  /** From the start of the connection to the end of the handshake. */
  readonly handshakeTimeoutMs: number
  /** Above this many unwritten bytes, clients are not read. */
  readonly highWaterBytes: number
  /** The longest that one slow reader may stop the others of its shared link, once per reply. */
  readonly slowReaderStallMs: number
}
