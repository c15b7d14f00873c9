import { ProxyError } from '../../../src/base/errors.ts'
import type { Exchange, Lease, LeaseOwner } from '../../../src/dispatcher.ts'
import type { HoldReason } from '../../../src/failover/gate.ts'
import { Call, plainState } from '../support/call.ts'
import type { FakeGeneration, FakeLink } from '../support/fake-generation.ts'
import { turns } from '../support/virtual-clock.ts'
import { gateKit, type GateKit } from './gate-kit.ts'

/** One thing that happens to a gate. Numbers are taken modulo what there is. */
export type Step =
  | {
      readonly what: 'send'
      readonly client: number
      readonly request: string
      readonly times: number
    }
  | { readonly what: 'leave'; readonly client: number }
  | { readonly what: 'take' | 'give'; readonly client: number }
  | { readonly what: 'cut'; readonly link: number }
  | { readonly what: 'answer'; readonly link: number; readonly times: number }
  | { readonly what: 'demote'; readonly error: string }
  | { readonly what: 'hold'; readonly reason: HoldReason }
  | { readonly what: 'flush' | 'resume' | 'switch' | 'fence' | 'grant' }
  | { readonly what: 'pass'; readonly ms: number }

/** A client, as its session would behave: it has one way at a time and gives back what it took. */
class Client implements LeaseOwner {
  readonly calls: Call[] = []
  readonly survivors: Call[] = []
  way: 'lane' | 'asking' | 'lease' | 'rebuilding' = 'lane'
  lease: Lease | null = null
  gone = false

  isPush(): boolean {
    return false
  }

  onPush(): void {
    throw new Error('nothing is pushed here')
  }

  onLeaseLost(_cause: ProxyError, survivors: Exchange[]): void {
    this.lease = null
    this.way = 'rebuilding'
    for (const each of survivors) if (each instanceof Call) this.survivors.push(each)
  }

  get open(): Call[] {
    return this.calls.filter((call) => call.outcomes.length === 0 && !call.abandoned)
  }
}

/** The gate among clients, masters and time; after every step its laws are checked. */
export class World {
  readonly kit: GateKit
  readonly clients: Client[] = []
  readonly #takenBack = new Set<Exchange>()
  readonly #late = new Map<Call, number>()
  #current: FakeGeneration | null = null
  /** The error that the current master answers to writes since its demotion. */
  #demoted = ''
  /** Something was left behind by a client, so the queue may hold more than what is alive. */
  #anyGone = false

  constructor(options: Parameters<typeof gateKit>[0]) {
    this.kit = gateKit(options)
    for (let i = 0; i < 3; i++) this.clients.push(new Client())
    this.#switch()
  }

  /** `calm`: what follows from the step has happened when the next one comes. */
  async run(step: Step, calm: boolean): Promise<void> {
    switch (step.what) {
      case 'send':
        for (let i = 0; i < step.times; i++) {
          this.#send(this.#client(step.client), step.request)
        }
        break
      case 'leave':
        this.#leave(step.client)
        break
      case 'take':
        this.#take(this.#client(step.client))
        break
      case 'give':
        this.#give(this.#client(step.client))
        break
      case 'flush':
        for (const link of this.#links) link.flush()
        break
      case 'cut':
        this.#link(step.link)?.cut()
        break
      case 'answer':
        for (let i = 0; i < step.times; i++) this.#link(step.link)?.answer((e) => this.#reply(e))
        break
      case 'demote':
        this.#demoted = step.error
        break
      case 'hold':
        this.kit.gate.hold(step.reason)
        break
      case 'resume':
        if (this.#isShut && this.#demoted === '' && this.#current !== null) {
          this.kit.gate.admit(this.#current)
        }
        break
      case 'switch':
        if (this.#isShut) this.#switch()
        break
      case 'fence':
        if (this.#isShut) this.#fence()
        break
      case 'grant':
        this.#current?.grant()
        break
      case 'pass':
        this.kit.clock.advance(step.ms)
        break
    }
    if (calm) await turns(2)
    else await Promise.resolve()
    this.#rebuild()
    if (calm) await turns(2)
    this.check()
  }

  /** A healthy master, the present one where it is one, answers everything. */
  async settle(): Promise<void> {
    if (!this.#isShut) this.kit.gate.hold('operator')
    if (this.#current === null || this.#demoted !== '') this.#switch()
    else this.kit.gate.admit(this.#current)
    const current = this.#current
    for (let i = 0; i < 200; i++) {
      await turns()
      this.#rebuild()
      current?.grant()
      for (const link of this.#links) {
        link.flush()
        while (link.answer((exchange) => this.#reply(exchange))) continue
      }
    }
    this.check()
    expectThat(this.kit.gate.state.name === 'open', 'the gate opens')
    const left = this.clients.flatMap((client) => client.open)
    expectThat(left.length === 0, `everything is answered, but not ${left[0]?.label}`)
    const { count, bytes } = this.kit.gate.queue
    expectThat(count === 0 && bytes === 0, `nothing is held, but ${count} of ${bytes} bytes`)
  }

  check(): void {
    const { gate, clock } = this.kit
    const flying = new Set(this.#links.flatMap((link) => link.inFlight))
    let held = 0
    let bytes = 0
    for (const client of this.clients) {
      for (const call of client.calls) {
        expectThat(call.outcomes.length <= 1, `${call.label} was told twice`)
        if (call.outcomes.length === 1 || call.abandoned || flying.has(call)) continue
        if (client.survivors.includes(call) || this.#takenBack.has(call)) continue
        held++
        bytes += call.end - call.start
        if (call.deadline <= clock.now()) this.#checkLate(call)
      }
    }
    const { queue } = gate
    const isExact = queue.count === held && queue.bytes === bytes
    const isEnough = this.#anyGone && queue.count >= held && queue.bytes >= bytes
    expectThat(
      isExact || isEnough,
      `held are ${held} (${bytes}), counted are ${queue.count} (${queue.bytes})`,
    )
  }

  /** One that comes back from a link behind its time is told with the next tick of the clock. */
  #checkLate(call: Call): void {
    const now = this.kit.clock.now()
    const since = this.#late.get(call) ?? now
    this.#late.set(call, since)
    expectThat(since === now, `${call.label} waits longer than its window`)
  }

  // ── clients ────────────────────────────────────────────────────────────────────────────────

  #client(number: number): Client {
    const client = this.clients[number % 3]
    if (client === undefined) throw new Error('there are three clients')
    return client
  }

  #send(client: Client, request: string): void {
    if (client.way === 'asking' || client.way === 'rebuilding') return
    const affinity = this.clients.indexOf(client) % 2
    const call = new Call(`${request} ${client.calls.length}`, { affinity })
    const before = this.kit.gate.state.name
    client.calls.push(call)
    ;(client.lease ?? this.kit.gate).dispatch(call)
    if (before === 'failfast') expectThat(call.told !== '', `${call.label} is refused at once`)
  }

  #leave(number: number): void {
    const client = this.#client(number)
    for (const call of client.open) call.abandoned = true
    this.#anyGone = true
    client.gone = true
    client.lease?.release(false)
    this.clients[number % 3] = new Client()
    this.clients.push(client)
  }

  #take(client: Client): void {
    if (client.way !== 'lane' || client.open.length > 0) return
    client.way = 'asking'
    this.#ask(client)
  }

  #ask(client: Client): void {
    this.kit.gate.lease(plainState, 'watch', client).then(
      (lease) => {
        if (client.gone) {
          lease.release(true)
          return
        }
        client.lease = lease
        client.way = 'lease'
        for (const call of client.survivors.splice(0)) if (!call.abandoned) lease.dispatch(call)
      },
      (cause: unknown) => {
        client.way = 'lane'
        const told = cause instanceof ProxyError ? cause : new ProxyError('PROTOCOL')
        for (const call of client.survivors.splice(0))
          if (!call.abandoned) call.onLost(told, 'unsent')
      },
    )
  }

  #give(client: Client): void {
    if (client.way !== 'lease' || client.open.length > 0) return
    client.lease?.release(true)
    client.lease = null
    client.way = 'lane'
  }

  #rebuild(): void {
    for (const client of this.clients) {
      if (client.way !== 'rebuilding' || client.gone) continue
      client.way = 'asking'
      for (const call of client.survivors) this.#takenBack.delete(call)
      this.#ask(client)
    }
  }

  // ── masters ────────────────────────────────────────────────────────────────────────────────

  get #isShut(): boolean {
    const { name } = this.kit.gate.state
    return name === 'holding' || name === 'failfast'
  }

  get #links(): FakeLink[] {
    return this.#current?.links ?? []
  }

  #link(number: number): FakeLink | undefined {
    const links = this.#links
    return links[number % Math.max(1, links.length)]
  }

  #fence(): void {
    this.#current?.destroy(new ProxyError('LINK_LOST', 'the master moved'))
    this.#current = null
    this.#takenBack.clear()
  }

  #switch(): void {
    this.#fence()
    this.#demoted = ''
    const next = this.kit.next()
    next.grantsAtOnce = false
    next.onSend = (exchange, link) => {
      expectThat(link.generation === this.#current, 'only the current master receives commands')
      this.#checkOrder(exchange, link)
    }
    next.onArrival = (exchange) => {
      expectThat(!exchange.abandoned || exchange.attempts > 0, 'an abandoned command was sent')
    }
    next.onTakenBack = (exchange, link) => {
      if (link.owner !== null) this.#takenBack.add(exchange)
    }
    this.#current = next
    this.kit.gate.admit(next)
  }

  /** What its client sent earlier has been told, or is on the same link before it. */
  #checkOrder(exchange: Exchange, link: FakeLink): void {
    expectThat(!exchange.abandoned, 'a command of a client that has left is not sent')
    const client = this.clients.find((each) => each.calls.some((call) => call === exchange))
    for (const earlier of client?.calls ?? []) {
      if (earlier === exchange) return
      const isDone = earlier.outcomes.length > 0 || earlier.abandoned
      expectThat(isDone || link.inFlight.includes(earlier), `${earlier.label} was overtaken`)
    }
  }

  #reply(exchange: Exchange): string {
    if (this.#demoted === '') return '+OK\r\n'
    const isRead = !exchange.traits.write || exchange.traits.name === 'publish'
    if (isRead && this.#demoted.startsWith('-READONLY')) return '+OK\r\n'
    return this.#demoted
  }
}

function expectThat(condition: boolean, law: string): void {
  if (!condition) throw new Error(`law broken: ${law}`)
}
