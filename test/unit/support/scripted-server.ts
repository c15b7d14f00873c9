import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { RequestScanner } from '../../support/request-scanner.ts'
import { until } from '../../support/until.ts'

/** What a server says to a request; undefined: nothing for now. */
export type Answer = (request: readonly string[]) => string | undefined

/** A healthy master of 7.0 to what a link asks before it carries commands; silent to all else. */
export const master: Answer = ([name = '', second]) => {
  switch (name) {
    case 'AUTH':
      return '+OK\r\n'
    case 'CLIENT':
      return second === 'ID' ? ':77\r\n' : '+OK\r\n'
    case 'ROLE':
      return '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n'
    case 'INFO': {
      const text = `redis_version:7.0.15\r\nrun_id:${'a'.repeat(40)}\r\n`
      return `$${text.length}\r\n${text}\r\n`
    }
    case 'PING':
      return '+PONG\r\n'
    case 'HELLO':
      return '%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n'
    default:
      return undefined
  }
}

/** One connection as the server sees it. */
export class Accepted {
  /** What arrived, read by read. */
  readonly reads: string[] = []
  readonly requests: string[][] = []
  readonly socket: Socket
  closed = false

  constructor(socket: Socket, server: ScriptedServer) {
    this.socket = socket
    const scanner = new RequestScanner()
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => (this.closed = true))
    socket.on('data', (chunk) => {
      this.reads.push(chunk.toString('latin1'))
      for (const args of scanner.feed(chunk)) {
        const request = args.map((arg) => arg.toString('latin1'))
        this.requests.push(request)
        const answer = server.answer(request)
        if (answer !== undefined) this.send(answer)
      }
    })
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** The requests since the handshake, each as its words. */
  get commands(): string[] {
    const isOurs = (words: readonly string[]): boolean =>
      ['AUTH', 'CLIENT', 'ROLE', 'INFO', 'PING', 'HELLO'].includes(words[0] ?? '')
    const from = this.requests.findIndex((words) => !isOurs(words))
    return from < 0 ? [] : this.requests.slice(from).map((words) => words.join(' '))
  }
}

/** A server on loopback that says what its script says. */
export class ScriptedServer {
  answer: Answer
  readonly accepted: Accepted[] = []
  readonly #server: Server

  constructor(answer: Answer = master) {
    this.answer = answer
    this.#server = createServer((socket) => {
      this.accepted.push(new Accepted(socket, this))
    })
  }

  async open(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  connection(index = 0): Accepted {
    const found = this.accepted[index]
    if (found === undefined) throw new Error(`no connection ${index}`)
    return found
  }

  /** The connection once it has been made. */
  async accept(index = 0): Promise<Accepted> {
    await until(() => this.accepted.length > index, { within: 3_000, every: 2 })
    return this.connection(index)
  }

  async close(): Promise<void> {
    for (const { socket } of this.accepted) socket.destroy()
    await new Promise<void>((done) => this.#server.close(() => done()))
  }
}
