import { connect, type Socket } from 'node:net'
import { ReplyFramer } from '../../src/protocol/reply-framer.ts'
import { encodeRequest } from '../../src/protocol/request.ts'

/** A client connection that only counts replies (and pushes); an error reply ends the run. */
export class Peer {
  readonly socket: Socket
  readonly #framer = new ReplyFramer()
  #onFrame: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', failed)
    socket.on('close', () => {
      if (!this.closing) failed(new Error('a connection was closed'))
    })
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk)
    })
  }

  closing = false

  static async open(port: number): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await new Promise<void>((done, refuse) => {
      socket.once('connect', done)
      socket.once('error', refuse)
    })
    return new Peer(socket)
  }

  /** From now on `fn` is called for each frame that comes. */
  onFrame(fn: () => void): void {
    this.#onFrame = fn
  }

  /** Sends requests and resolves when as many frames have come. */
  ask(bytes: Uint8Array, frames: number): Promise<void> {
    return new Promise((done) => {
      let left = frames
      this.#onFrame = () => {
        if (--left === 0) done()
      }
      this.socket.write(bytes)
    })
  }

  close(): void {
    this.closing = true
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    let position = 0
    while (position < chunk.length) {
      const start = position
      position = this.#framer.next(chunk, start, chunk.length)
      if (position < 0) return
      if (this.#framer.type === 0x2d) failed(new Error(chunk.toString('latin1', start, position)))
      this.#onFrame()
    }
  }
}

/** Opens many connections, a few at a time, so that no backlog overflows. */
export async function openPeers(port: number, count: number): Promise<Peer[]> {
  const peers: Peer[] = []
  while (peers.length < count) {
    const some = Math.min(200, count - peers.length)
    peers.push(...(await Promise.all(Array.from({ length: some }, () => Peer.open(port)))))
  }
  return peers
}

/** Several requests in one buffer. */
export function requests(...each: readonly (readonly (string | number)[])[]): Buffer {
  return Buffer.concat(each.map((args) => encodeRequest(args)))
}

function failed(error: Error): void {
  console.error(`load generator: ${error.message}`)
  process.exit(1)
}
