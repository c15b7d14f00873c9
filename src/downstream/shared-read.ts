import { Socket } from 'node:net'

/**
 * One read's worth of bytes for every client of the process: they are used up within the read. No
 * Buffer: the `slice` of one is a view, and those who keep a part of this must have a copy.
 */
const shared = new Uint8Array(64 * 1024)

/** What a socket has that its type does not tell: the handle of the event loop. */
interface WithHandle {
  _handle: { useUserBuffer?: unknown } | null
}

/**
 * The same connection, read into one buffer that all clients share, instead of into a new one for
 * every read: no memory for the garbage collector to follow. `onChunk` must copy what it keeps. The
 * socket must not have been read from yet. Where this Node cannot do it, the socket itself.
 */
export function withSharedReads(socket: Socket, onChunk: (chunk: Uint8Array) => void): Socket {
  const inner = socket as unknown as WithHandle
  const handle = inner._handle
  if (handle?.useUserBuffer === undefined) {
    socket.on('data', onChunk)
    return socket
  }
  inner._handle = null // the new socket is its only owner
  const options = {
    handle,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: {
      buffer: shared,
      callback: (length: number): boolean => {
        onChunk(shared.subarray(0, length))
        return true
      },
    },
  }
  return new Socket(options)
}
