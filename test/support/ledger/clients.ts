import type { RawClient } from '../raw-client.ts'
import type { Arg, Reply } from '../resp.ts'
import { CounterAccount, RegisterAccount } from './accounts.ts'
import { LoopClient, readCount, readText } from './load-client.ts'
import type { LoadContext } from './load-client.ts'

/** SET of its own key, then GET of it. */
export class SetGetClient extends LoopClient {
  readonly #account: RegisterAccount
  #n = 0

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#account = new RegisterAccount(name, `ledger:{${name}}:register`, context.book)
  }

  protected operate(done: () => void): void {
    this.#n += 1
    const n = this.#n
    this.connection.send([['SET', this.#account.key, `${this.name}:${n}`]], (replies) => {
      const outcome = this.outcome(replies, 0)
      if (outcome === 'acked') this.#account.acked(n)
      if (outcome === 'in-doubt') this.#account.doubted(n)
      if (this.connection.usable) this.#get(done)
      else done()
    })
  }

  #get(done: () => void): void {
    this.connection.send([['GET', this.#account.key]], (replies) => {
      const reply = replies[0]
      if (this.outcome(replies, 0, 'read') === 'acked') {
        if (typeof reply === 'string' || reply === null) this.#account.read(reply)
        else this.context.book.wrongOwner.push(`${this.name} GET: ${JSON.stringify(reply)}`)
      }
      done()
    })
  }

  async audit(reader: RawClient): Promise<void> {
    this.#account.read(await readText(reader, this.#account.key))
  }
}

/** INCR of its own counter. */
export class IncrClient extends LoopClient {
  readonly #account: CounterAccount

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#account = new CounterAccount(name, `ledger:{${name}}:counter`, context.book)
  }

  protected operate(done: () => void): void {
    this.connection.send([['INCR', this.#account.key]], (replies) => {
      const outcome = this.outcome(replies, 0)
      if (outcome === 'in-doubt') this.#account.doubted()
      if (outcome === 'acked') enterCount(this.#account, this.name, this.context, replies[0])
      done()
    })
  }

  async audit(reader: RawClient): Promise<void> {
    this.#account.audit(await readCount(reader, this.#account.key))
  }
}

/** Ten commands in one write: five ECHOs that carry name and place, five INCRs between them. */
export class PipelineClient extends LoopClient {
  readonly #account: CounterAccount
  #n = 0

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#account = new CounterAccount(name, `ledger:{${name}}:pipeline`, context.book)
  }

  protected operate(done: () => void): void {
    this.#n += 1
    const commands: Arg[][] = []
    for (let place = 0; place < 10; place += 2) {
      commands.push(['ECHO', this.#token(place)], ['INCR', this.#account.key])
    }
    const n = this.#n
    this.connection.send(commands, (replies) => {
      for (let place = 0; place < commands.length; place += 1) this.#judge(replies, place, n)
      done()
    })
  }

  #token(place: number): string {
    return `${this.name}:${this.#n}:${place}`
  }

  #judge(replies: readonly Reply[], place: number, n: number): void {
    const outcome = this.outcome(replies, place, place % 2 === 0 ? 'read' : 'write')
    const reply = replies[place]
    if (place % 2 === 0) {
      const wanted = `${this.name}:${n}:${place}`
      if (outcome !== 'acked' || reply === wanted) return
      this.context.book.wrongOwner.push(`${wanted} got ${JSON.stringify(reply)}`)
      return
    }
    if (outcome === 'in-doubt') this.#account.doubted()
    if (outcome === 'acked') enterCount(this.#account, this.name, this.context, reply)
  }

  async audit(reader: RawClient): Promise<void> {
    this.#account.audit(await readCount(reader, this.#account.key))
  }
}

/** MULTI, INCR of two counters, EXEC in one write: both or none, always equal. */
export class MultiClient extends LoopClient {
  readonly #left: CounterAccount
  readonly #right: CounterAccount
  #torn = false

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#left = new CounterAccount(name, `ledger:{${name}}:left`, context.book)
    this.#right = new CounterAccount(name, `ledger:{${name}}:right`, context.book)
  }

  protected operate(done: () => void): void {
    const body = [['MULTI'], ['INCR', this.#left.key], ['INCR', this.#right.key], ['EXEC']]
    this.connection.send(body, (replies) => {
      const outcome = this.outcome(replies, 3)
      if (outcome === 'in-doubt') {
        this.#left.doubted()
        this.#right.doubted()
      }
      if (outcome === 'acked') this.#executed(replies)
      done()
    })
  }

  #executed(replies: readonly Reply[]): void {
    const values = replies[3]
    const [left, right] = Array.isArray(values) ? (values as readonly Reply[]) : []
    const queued = replies[1] === 'QUEUED' && replies[2] === 'QUEUED' && replies[0] === 'OK'
    if (!queued || typeof left !== 'number' || left !== right) {
      // The counters stay apart from here on: one finding, not one for each later transaction.
      if (!this.#torn) this.context.book.torn.push(`${this.name}: ${JSON.stringify(replies)}`)
      this.#torn = true
      return
    }
    this.#left.acked(left)
    this.#right.acked(left)
  }

  async audit(reader: RawClient): Promise<void> {
    const left = await readCount(reader, this.#left.key)
    const right = await readCount(reader, this.#right.key)
    if (this.#torn) return
    if (left !== right) this.context.book.torn.push(`${this.name}: ${left} and ${right} at the end`)
    this.#left.audit(left)
    this.#right.audit(right)
  }
}

/** EVAL that increments its key and answers with key and value. */
export class LuaClient extends LoopClient {
  readonly #account: CounterAccount

  constructor(name: string, context: LoadContext) {
    super(name, context)
    this.#account = new CounterAccount(name, `ledger:{${name}}:lua`, context.book)
  }

  protected operate(done: () => void): void {
    const script = "return {KEYS[1], redis.call('INCR', KEYS[1])}"
    this.connection.send([['EVAL', script, 1, this.#account.key]], (replies) => {
      const outcome = this.outcome(replies, 0)
      if (outcome === 'in-doubt') this.#account.doubted()
      if (outcome === 'acked') this.#answered(replies[0])
      done()
    })
  }

  #answered(reply: Reply | undefined): void {
    const [key, value] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
    if (key === this.#account.key) enterCount(this.#account, this.name, this.context, value)
    else this.context.book.wrongOwner.push(`${this.name} EVAL: ${JSON.stringify(reply)}`)
  }

  async audit(reader: RawClient): Promise<void> {
    this.#account.audit(await readCount(reader, this.#account.key))
  }
}

function enterCount(
  account: CounterAccount,
  name: string,
  context: LoadContext,
  reply: Reply | undefined,
): void {
  if (typeof reply === 'number') account.acked(reply)
  else context.book.wrongOwner.push(`${name} INCR: ${JSON.stringify(reply)}`)
}
