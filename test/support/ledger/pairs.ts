import type { RawClient } from '../raw-client.ts'
import { faultOf } from '../resp.ts'
import type { Reply } from '../resp.ts'
import { QueueAccount } from './accounts.ts'
import { LedgerConnection } from './connection.ts'
import { LoopClient } from './load-client.ts'
import type { LoadContext } from './load-client.ts'

/** A producer that pushes and a consumer that waits in BLPOP without a timeout. */
export class ListPair extends LoopClient {
  readonly #account: QueueAccount
  readonly #consumer: LedgerConnection
  #n = 0
  #gone = false
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#account = new QueueAccount(name, `ledger:{${name}}:queue`, context.book)
    this.#consumer = new LedgerConnection(`${name}:consumer`, context.port, context.book)
    this.#pop()
  }

  override get connected(): boolean {
    return super.connected && this.#consumer.connected
  }

  protected operate(done: () => void): void {
    this.#n += 1
    const n = this.#n
    this.#account.pushing(n)
    this.connection.send([['RPUSH', this.#account.key, `${this.name}:${n}`]], (replies) => {
      const outcome = this.outcome(replies, 0)
      if (outcome === 'acked') this.#account.pushed(n)
      if (outcome === 'refused') this.#account.refused(n)
      done()
    })
  }

  #pop(): void {
    if (this.#gone) return
    if (!this.#consumer.usable) {
      this.#timer = setTimeout(() => this.#pop(), this.context.thinkMs)
      return
    }
    this.#consumer.sendPatient([['BLPOP', this.#account.key, 0]], (replies) => {
      this.#popped(replies)
      if (replies.length > 0) this.#pop()
      else this.#timer = setTimeout(() => this.#pop(), this.context.thinkMs)
    })
  }

  #popped(replies: readonly Reply[]): void {
    const outcome = this.outcome(replies, 0)
    if (outcome === 'in-doubt') this.#account.popDoubted()
    if (outcome !== 'acked') return
    const [key, element] = Array.isArray(replies[0]) ? (replies[0] as readonly Reply[]) : []
    if (key === this.#account.key && typeof element === 'string') this.#account.popped(element)
    else this.context.book.wrongOwner.push(`${this.name} BLPOP: ${JSON.stringify(replies[0])}`)
  }

  async audit(reader: RawClient): Promise<void> {
    const left = await reader.command('LRANGE', this.#account.key, 0, -1)
    this.#account.audit(Array.isArray(left) ? left.map(String) : [])
  }

  /** The switches were survived by a pop that was issued again: it may have lost what it had popped. */
  masterChanged(): void {
    this.#account.popDoubted()
  }

  override leave(): void {
    this.#gone = true
    clearTimeout(this.#timer)
    this.#consumer.leave()
    super.leave()
  }
}

/** A publisher and one subscriber of its own channel. */
export class ChannelPair extends LoopClient {
  readonly #channel: string
  readonly #subscriber: LedgerConnection
  readonly #promised = new Set<number>()
  readonly #heard = new Set<number>()
  #confirmations = 0
  #connections = 0
  #n = 0

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#channel = `ledger:{${name}}:channel`
    this.#subscriber = new LedgerConnection(`${name}:subscriber`, context.port, context.book)
    this.#subscriber.onMessage = (message) => this.#hear(message)
    this.#subscriber.onConnect = () => {
      this.#connections += 1
      this.#subscriber.sendPatient([['SUBSCRIBE', this.#channel]], (replies) => {
        if (replies.length > 0 && this.outcome(replies, 0) === 'acked') this.#confirmations += 1
      })
    }
  }

  override get connected(): boolean {
    return super.connected && this.#confirmations > 0
  }

  protected operate(done: () => void): void {
    this.#n += 1
    const n = this.#n
    const book = this.context.book
    this.connection.send([['PUBLISH', this.#channel, `${this.name}:${n}`]], (replies) => {
      if (this.outcome(replies, 0) === 'acked') {
        book.messagesSent += 1
        if (replies[0] === 0) book.messagesUnheard += 1
        else if (replies[0] === 1) this.#promised.add(n)
        else book.impossible.push(`${this.name} PUBLISH: ${JSON.stringify(replies[0])}`)
      }
      done()
    })
  }

  #hear(message: readonly Reply[]): void {
    const book = this.context.book
    const [kind, channel, text] = message
    if (kind === 'subscribe') this.#confirmations += 1
    if (kind !== 'message') {
      const fault = faultOf(message[0])
      if (fault !== '') book.outcome(fault)
      return
    }
    const [owner, number] = (typeof text === 'string' ? text : '').split(':')
    const n = Number(number)
    if (owner !== this.name || channel !== this.#channel) {
      book.wrongOwner.push(`${this.name} heard ${JSON.stringify(message)}`)
    } else if (this.#heard.has(n)) book.duplicated.push(`${this.name} heard ${n} twice`)
    this.#heard.add(n)
  }

  audit(): Promise<void> {
    const book = this.context.book
    for (const n of this.#promised) if (!this.#heard.has(n)) book.messagesLost += 1
    if (this.#confirmations > this.#connections) {
      book.impossible.push(`${this.name}: ${this.#confirmations} confirmations of SUBSCRIBE`)
    }
    return Promise.resolve()
  }

  override leave(): void {
    this.#subscriber.leave()
    super.leave()
  }
}
