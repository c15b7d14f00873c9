import type { Socket } from 'node:net'

/** The other end of a socket as CLIENT LIST shows it: `host:port`, IPv6 in brackets, `unix:0`. */
export function peerOf(socket: Socket): string {
  const { remoteAddress, remotePort, remoteFamily } = socket
  if (remoteAddress === undefined) return 'unix:0'
  const host = remoteFamily === 'IPv6' ? `[${remoteAddress}]` : remoteAddress
  return `${host}:${String(remotePort)}`
}
