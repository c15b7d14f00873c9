import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { passingMemory } from '../../../src/base/part-memory.ts'
import { Turn } from '../../../src/base/turn.ts'
import { Session } from '../../../src/downstream/session.ts'
import { ScriptMemory } from '../../../src/downstream/script-memory.ts'
import type { SessionContext, SessionLimits } from '../../../src/downstream/session-context.ts'
import { initialState } from '../../../src/downstream/session-state.ts'
import { Gate, type GateOptions } from '../../../src/failover/gate.ts'
import { RequestFramer } from '../../../src/protocol/request-framer.ts'
import { defaultRequestLimits } from '../../../src/protocol/resp.ts'
import { encodeRequest } from '../../../src/protocol/request.ts'
import { Router } from '../../../src/routing/router.ts'
import { DataPlaneCounters } from '../../../src/telemetry/counters.ts'
import { RequestScanner } from '../../support/request-scanner.ts'
import { until } from '../../support/until.ts'
import { FakeGeneration, type FakeLink } from '../support/fake-generation.ts'
import { turns, VirtualClock } from '../support/virtual-clock.ts'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

export interface KitOptions {
  readonly limits?: Partial<SessionLimits>
  readonly gate?: Partial<GateOptions>
  readonly streamAboveBytes?: number
  readonly scriptBytes?: number
  readonly beforeRead?: () => void
}

/** The client's end of a connection. */
export class Client {
  readonly socket: Socket
  readonly session: Session
  heard = ''
  ended = false

  constructor(socket: Socket, session: Session) {
    this.socket = socket
    this.session = session
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')))
    socket.on('end', () => (this.ended = true))
    socket.on('error', () => (this.ended = true))
  }

  /** Sends requests, written as their words, in one write. */
  send(...requests: readonly string[]): void {
    this.socket.write(Buffer.concat(requests.map((text) => encodeRequest(text.split(' ')))))
  }

  /** Waits until all that was heard is `text`, and forgets it. */
  async hears(text: string): Promise<void> {
    try {
      await seen(() => this.heard.length >= text.length)
    } catch {
      // the comparison says more
    }
    const heard = this.heard
    this.heard = ''
    if (heard !== text) {
      throw new Error(`heard ${JSON.stringify(heard)} and not ${JSON.stringify(text)}`)
    }
  }
}

export function seen(condition: () => boolean): Promise<boolean> {
  return until(condition, { within: 2_000, every: 2 })
}

/** What stands on a link, as requests in words. */
export function wire(link: FakeLink): string[] {
  return link.inFlight.flatMap(({ bytes, start, end }) =>
    new RequestScanner()
      .feed(Buffer.from(bytes.subarray(start, end)))
      .map((args) => args.map((arg) => arg.toString('latin1')).join(' ')),
  )
}

/** Sessions in front of a real gate and masters that do only what a test makes them do. */
export class Kit {
  readonly clock = new VirtualClock()
  readonly counters = new DataPlaneCounters()
  readonly closed: string[] = []
  readonly gate: Gate
  readonly scripts: ScriptMemory
  current: FakeGeneration
  readonly #context: SessionContext
  readonly #server = createServer({ allowHalfOpen: true })
  readonly #sockets: Socket[] = []
  readonly #sessions: Session[] = []
  readonly #gone = new Set<Session>()
  #number = 1

  constructor({
    limits = {},
    gate = {},
    streamAboveBytes = 1_000,
    scriptBytes = 10_000,
    beforeRead = () => undefined,
  }: KitOptions) {
    this.scripts = new ScriptMemory(scriptBytes)
    const turn = new Turn()
    const requestLimits = { ...defaultRequestLimits, streamAboveBytes }
    this.gate = new Gate(
      {
        maxCommands: 1_000,
        maxBytes: 1_000_000,
        holdWindowMs: () => 1_000,
        drainBatch: 100,
        inDoubt: 'error',
        ...gate,
      },
      this.clock,
      turn,
      {
        onMove: () => undefined,
        onSymptom: () => undefined,
        onReplay: () => undefined,
        onInDoubt: () => undefined,
        onIdentityRefused: () => undefined,
        onRefused: () => undefined,
      },
    )
    this.current = new FakeGeneration(1, this.gate)
    this.gate.admit(this.current)
    this.#context = {
      dispatcher: this.gate,
      router: new Router(),
      clock: this.clock,
      turn,
      memory: passingMemory(),
      requestLimits,
      framer: new RequestFramer(requestLimits),
      limits: {
        outputPauseBytes: 100_000,
        outputLimitBytes: 1_000_000,
        parkedBytes: 10_000,
        transactionBytes: 10_000,
        ...limits,
      },
      counters: this.counters,
      scripts: this.scripts,
      firstState: initialState,
      dedicated: false,
      beforeRead,
      isHolding: () => this.gate.state.name !== 'open',
      generation: () => this.current.number,
      find: (id) => this.#here().find((each) => each.id === id),
      sessions: () => this.#here(),
      wantsAuth: () => false,
      serverAtLeast: () => false,
      onClosed: (session, why) => {
        this.#gone.add(session)
        this.closed.push(why)
      },
    }
  }

  async open(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    cleanups.push(async () => {
      for (const session of this.#sessions) session.close('shutdown')
      for (const socket of this.#sockets) socket.destroy()
      await new Promise<void>((done) => this.#server.close(() => done()))
    })
    await turns()
    return this
  }

  async client(id = this.#sockets.length): Promise<Client> {
    const { port } = this.#server.address() as AddressInfo
    const accepted = new Promise<Socket>((done) => this.#server.once('connection', done))
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const server = await accepted
    this.#sockets.push(socket, server)
    const session = new Session(id, server, this.#context)
    session.link = id // so that each client has a link of its own to be looked at
    this.#sessions.push(session)
    return new Client(socket, session)
  }

  /** The proxy's end of the connection. */
  served(client: Client): Socket {
    const socket = this.#sockets[this.#sockets.indexOf(client.socket) + 1]
    if (socket === undefined) throw new Error('a client of another kit')
    return socket
  }

  #here(): Session[] {
    return this.#sessions.filter((each) => !this.#gone.has(each))
  }

  /** The shared link of a client, once it carries so many commands. */
  async lane(client: Client, count = 1): Promise<FakeLink> {
    await seen(() => this.current.lane(client.session.id).inFlight.length === count)
    const link = this.current.lane(client.session.id)
    link.flush()
    return link
  }

  /** The exclusive link that was given out last, once it carries so many commands. */
  async lease(count = 1): Promise<FakeLink> {
    const link = (): FakeLink | undefined => this.current.leases.at(-1)
    await seen(() => link()?.closed === false && link()?.inFlight.length === count)
    const found = link()
    if (found === undefined) throw new Error('no link was leased')
    found.flush()
    return found
  }

  /** The master is lost; everything it owed is judged. */
  lose(): void {
    this.gate.hold('switch')
    this.current.destroy(new ProxyError('LINK_LOST', 'the master moved'))
  }

  /** The next master is here. */
  async recover(): Promise<void> {
    this.current = new FakeGeneration(++this.#number, this.gate)
    this.gate.admit(this.current)
    await turns(3)
  }
}

export function kit(options: KitOptions = {}): Promise<Kit> {
  return new Kit(options).open()
}

/** The client has sent MULTI and these, and the server has queued them. */
export async function queued(
  on: Kit,
  client: Client,
  ...requests: readonly string[]
): Promise<FakeLink> {
  client.send('MULTI')
  let lease = await on.lease()
  lease.answer('+OK\r\n')
  await client.hears('+OK\r\n')
  for (const request of requests) {
    client.send(request)
    lease = await on.lease()
    lease.answer('+QUEUED\r\n')
    await client.hears('+QUEUED\r\n')
  }
  return lease
}
