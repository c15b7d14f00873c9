import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'

/** Both ends of a socket as CLIENT LIST shows them: `host:port`, IPv6 in brackets, `unix:0`. */
export function addressesOf(socket: Socket): { readonly peer: string; readonly own: string } {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return { peer: shown(remoteAddress, remotePort), own: shown(localAddress, localPort) }
}

function shown(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return 'unix:0'
  const host = address.includes(':') ? `[${address}]` : address
  return `${host}:${String(port)}`
}

/** A client that has been told the end, and neither takes what was written for it nor leaves. */
const lingerMs = 10_000

/** Closes the connection; `graceful`: the client reads all that was written for it before the end. */
export function hangUp(socket: Socket, graceful: boolean, clock: Clock): void {
  // where the client has ended too, all it sent was read: it loses nothing when both sides end at once
  const isOver = socket.readableEnded && socket.writableLength === 0
  if (!graceful || isOver) {
    socket.destroy()
    return
  }
  const destroy = (): void => {
    socket.destroy()
  }
  socket.end()
  socket.resume() // else its own end would not be noticed
  socket.setTimeout(lingerMs, destroy)
  socket.once('finish', () => {
    const cancel = clock.after(lingerMs, destroy)
    socket.once('close', cancel)
  })
}
