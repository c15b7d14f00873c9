import { Random } from '../random.ts'
import type { RedisServer } from '../redis-server.ts'
import type { Arg } from '../resp.ts'
import { until } from '../until.ts'
import { Pair, shown } from './pair.ts'
import { SHARED, Words, bytesOf } from './words.ts'
import type { Scope } from './words.ts'

export interface FuzzOptions {
  readonly direct: RedisServer
  /** The master behind the proxy. */
  readonly master: RedisServer
  readonly proxyPort: number
  readonly seed: number
  readonly clients: number
  /** How many commands to send at least. */
  readonly commands: number
}

export interface FuzzReport {
  readonly commands: number
  readonly steps: number
}

/** Users that both servers know; `limited` may touch a part of the keys, and no channel. */
const USERS: readonly (readonly string[])[] = [
  ['ACL', 'SETUSER', 'full', 'on', '>secret', '~*', '&*', '+@all'],
  ['ACL', 'SETUSER', 'limited', 'on', '>secret', '~fuzz:[slhx]*', '~own*', '+@all', '-flushall'],
]

/** Bytes after which a server says what was wrong and closes. */
const GARBAGE = ['*abc\r\n', '*1\r\n:4\r\nPING\r\n', '*2\r\n$3\r\nGET\r\n$-5\r\n', 'SET k "abc\r\n']

/**
 * Not said within a transaction: the link goes back at EXEC, and what the server pushes right behind
 * the reply about keys that the same transaction changed has nobody to go to.
 */
const LAST = /^(RESET|FLUSH|SCRIPT FL|CLIENT TRACKING OFF)/

const SCANS: readonly (readonly string[])[] = [
  ['SCAN', '', 'COUNT', '3'],
  ['HSCAN', 'fuzz:h1', ''],
  ['SSCAN', 'fuzz:t1', ''],
  ['ZSCAN', 'fuzz:z1', ''],
]

/**
 * Clients of two equal servers, one reached directly and one through the proxy, say the same in the
 * same order: every answer and message is the same, and so is what the servers hold at the end.
 * Clients that speak side by side have keys of their own, so that the order between them is free.
 */
export class Fuzz {
  readonly #options: FuzzOptions
  readonly #random: Random
  readonly #words: Words
  readonly #pairs: Pair[]
  #commands = 0
  #steps = 0
  #keyOfScene = 0

  constructor(options: FuzzOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#words = new Words(this.#random)
    const ports = { direct: options.direct.port, proxied: options.proxyPort }
    const names = Array.from({ length: options.clients }, (_each, n) => `client ${n}`)
    this.#pairs = names.map((name) => new Pair(name, ports))
  }

  /** Fails at the first difference, with the seed, the step and what the client said before. */
  async run(): Promise<FuzzReport> {
    try {
      for (const server of [this.#options.direct, this.#options.master]) await prepare(server)
      for (const pair of this.#pairs) await pair.connect()
      while (this.#commands < this.#options.commands) {
        this.#steps += 1
        await this.#step()
      }
      await this.#finish()
      return { commands: this.#commands, steps: this.#steps }
    } catch (error) {
      const where = `seed ${this.#options.seed}, step ${this.#steps}`
      const servers = [this.#options.direct, this.#options.master]
      const died = servers.filter((server) => /BUG REPORT|Guru/.test(server.log()))
      const why = [String(error), ...died.map((server) => `a server died:\n${server.log()}`)]
      throw new Error(`${where}, ${this.#commands} commands: ${why.join('\n')}`, { cause: error })
    } finally {
      for (const pair of this.#pairs) await pair.leave()
    }
  }

  async #step(): Promise<void> {
    const dice = this.#random.next()
    if (dice < 0.55) await this.#talk(this.#words.pick(this.#pairs))
    else if (dice < 0.93) await this.#sideBySide()
    else if (dice < 0.96) await this.#waiting()
    else if (dice < 0.975) await this.#scan()
    else await this.#goodbye(this.#words.pick(this.#pairs))
  }

  async #talk(pair: Pair): Promise<void> {
    const sayings = this.#batch(pair, SHARED, 10)
    await this.#say(pair, sayings)
    await pair.answers(sayings)
  }

  /** Several at once, each with its own keys. */
  async #sideBySide(): Promise<void> {
    // An open transaction may hold commands that see what others do.
    const able = this.#shuffled(this.#pairs.filter(({ model }) => !model.inTransaction))
    const talkers = able.slice(0, this.#random.between(2, this.#pairs.length))
    const talks = talkers.map((pair) => {
      const prefix = `own${this.#pairs.indexOf(pair)}:`
      return { pair, sayings: this.#batch(pair, { prefix, alone: true }, 6) }
    })
    const sent = talks.map(({ pair, sayings }) => this.#say(pair, sayings))
    await Promise.all(sent)
    for (const { pair, sayings } of talks) await pair.answers(sayings)
  }

  async #say(pair: Pair, sayings: readonly (readonly Arg[])[]): Promise<void> {
    this.#commands += sayings.length
    const bytes = Buffer.concat(sayings.map((each) => bytesOf(each, this.#words.chance(0.03))))
    await pair.send(bytes, this.#segment(bytes.length), sayings.map(shown))
  }

  #segment(length: number): number | undefined {
    if (this.#words.chance(0.7)) return undefined
    if (length < 300) return this.#random.between(1, 40)
    if (length < 10_000) return this.#random.between(50, 2_000)
    return this.#random.between(5_000, 100_000)
  }

  /** What a client says in one go, in keeping with where it stands. */
  #batch(pair: Pair, scope: Scope, longest: number): Arg[][] {
    const words = this.#words
    const { model } = pair
    const length = this.#random.between(1, longest)
    const batch: Arg[][] = []
    if (!model.confined && !model.inTransaction && words.chance(0.12)) {
      batch.push(...this.#transaction(pair, scope))
    }
    let open = model.inTransaction
    const fits = (template: string): boolean => this.#fits(pair, template)
    while (batch.length < length) {
      const saying = words.say(scope, (family, template) => {
        if (!fits(template)) return false
        if (open) return family.name !== 'channels' && !LAST.test(template)
        return family.name !== 'channels' || model.resp === 3 || words.chance(0.5)
      })
      const [first] = saying.words
      if (first === 'MULTI') open = true
      if (first === 'EXEC' || first === 'DISCARD') open = false
      batch.push([...saying.words])
    }
    if (!model.confined && !open && words.chance(0.02)) batch.push(...this.#unheard(scope))
    if (open && words.chance(0.4)) batch.push([words.chance(0.85) ? 'EXEC' : 'DISCARD'])
    if (model.confined && !open && words.chance(0.15)) {
      batch.push(['UNSUBSCRIBE'], ['PUNSUBSCRIBE'], ['SUNSUBSCRIBE'])
    }
    return batch
  }

  /**
   * What a server remembers for a client that tracked once and stopped is not carried over to the
   * next time that it tracks: a client that has stopped does not begin again here.
   */
  #fits(pair: Pair, template: string): boolean {
    if (template.startsWith('CLIENT TRACKING ON')) return !pair.hasStoppedTracking
    if (template === 'CLIENT TRACKING OFF' || template === 'RESET') pair.hasStoppedTracking = true
    return true
  }

  /** A transaction from MULTI to EXEC, as the libraries send it. */
  #transaction(pair: Pair, scope: Scope): Arg[][] {
    const body = Array.from({ length: this.#random.between(0, 6) }, () => {
      const { words } = this.#words.say(scope, (family, template) => {
        if (!this.#fits(pair, template)) return false
        return (
          family.name !== 'channels' && !LAST.test(template) && !/^(EXEC|DISC|MULTI)/.test(template)
        )
      })
      return [...words]
    })
    const watched = this.#words.chance(0.2) ? [this.#words.fill('WATCH {any}', scope)] : []
    return [...watched, ['MULTI'], ...body, [this.#words.chance(0.9) ? 'EXEC' : 'DISCARD']]
  }

  /** Commands whose replies the client does not want. */
  #unheard(scope: Scope): Arg[][] {
    const data = (): Arg[] => [
      ...this.#words.say(scope, (family) => family.mutable && family.reach === 'own').words,
    ]
    if (this.#words.chance(0.5)) return [['CLIENT', 'REPLY', 'SKIP'], data(), data()]
    const body = Array.from({ length: this.#random.between(0, 4) }, data)
    return [['CLIENT', 'REPLY', 'OFF'], ...body, ['CLIENT', 'REPLY', 'ON']]
  }

  /** Clients wait for what another one brings; what they said behind it is answered after it. */
  async #waiting(): Promise<void> {
    const able = this.#pairs.filter(({ model }) => !model.inTransaction && !model.confined)
    const count = Math.min(able.length - 1, this.#random.between(1, 4))
    if (count < 1) return
    const [pusher, ...waiters] = this.#shuffled(able).slice(0, count + 1)
    if (pusher === undefined) return
    this.#keyOfScene += 1
    const key = `own-scene${this.#keyOfScene}`
    for (const pair of [pusher, ...waiters]) {
      await this.#exchange(pair, [['UNWATCH'], ['SELECT', 0]])
    }
    const way = this.#words.pick(WAYS)
    const asked: { readonly pair: Pair; readonly sayings: readonly (readonly Arg[])[] }[] = []
    for (const [n, pair] of waiters.entries()) {
      const before = this.#words.chance(0.5) ? [['INCR', `${key}:before`]] : []
      const after = this.#words.chance(0.5) ? [['APPEND', `${key}:after${n}`, 'x'], ['PING']] : []
      const sayings = [...before, way.wait(key), ...after]
      await this.#say(pair, sayings)
      await this.#blocked(n + 1)
      asked.push({ pair, sayings })
    }
    await this.#exchange(pusher, way.release(key, waiters.length))
    for (const { pair, sayings } of asked) await pair.answers(sayings)
    await this.#blocked(0)
  }

  async #exchange(pair: Pair, sayings: readonly (readonly Arg[])[]): Promise<void> {
    await this.#say(pair, sayings)
    await pair.answers(sayings)
  }

  #shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((each) => ({ each, at: this.#random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each)
  }

  async #blocked(count: number): Promise<void> {
    for (const server of [this.#options.direct, this.#options.master]) {
      await until(async () => (await server.info('clients', 'blocked_clients')) === String(count), {
        within: 10_000,
        every: 2,
        what: `${count} blocked clients on port ${server.port}`,
      })
    }
  }

  /** A whole iteration in small steps, whose cursors are each server's own. */
  async #scan(): Promise<void> {
    const able = this.#pairs.filter(({ model }) => !model.inTransaction && !model.confined)
    const [pair] = this.#shuffled(able)
    if (pair === undefined) return
    this.#commands += 1
    await pair.scan(this.#words.pick(SCANS))
  }

  /** Leaves in one of the ways there are, and comes back. */
  async #goodbye(pair: Pair): Promise<void> {
    const dice = this.#random.next()
    const parting = ['SET', `own-parting`, String(this.#steps)]
    if (dice < 0.3) await this.#say(pair, [parting, ['QUIT'], ['SET', 'own-parting', 'never']])
    else if (dice < 0.6) {
      await pair.send(Buffer.from(this.#words.pick(GARBAGE)), undefined, ['garbage'])
    } else {
      await this.#say(pair, [parting])
      pair.halfClose()
    }
    await pair.ends()
    await this.#settled()
    await pair.connect()
  }

  /** A server hears of a client's end a moment after the client: as many subscribers are left. */
  async #settled(): Promise<void> {
    const equal = async (): Promise<boolean> => {
      const { direct, master } = this.#options
      return (await subscribers(direct)) === (await subscribers(master))
    }
    await until(equal, { within: 10_000, every: 2, what: 'as many subscribers on both servers' })
  }

  async #finish(): Promise<void> {
    for (const pair of this.#pairs) await this.#exchange(pair, [['RESET'], ['PING', 'the-end']])
    for (const pair of this.#pairs) pair.checkSilence()
    const { direct, master } = this.#options
    const digests = [await digest(direct), await digest(master)]
    if (digests[0] !== digests[1]) throw new Error(`key spaces differ: ${digests.join(' | ')}`)
  }
}

interface Way {
  wait(key: string): Arg[]
  release(key: string, count: number): Arg[][]
}

const many = (count: number): string[] => Array.from({ length: count }, (_each, n) => `item${n}`)

/** Ways of waiting, and what ends the wait of every one of `count` clients. */
const WAYS: readonly Way[] = [
  {
    wait: (key) => ['BLPOP', `${key}:none`, key, '0'],
    release: (key, count) => [['RPUSH', key, ...many(count)]],
  },
  {
    wait: (key) => ['BRPOP', key, '30'],
    release: (key, count) => many(count).map((item) => ['LPUSH', key, item]),
  },
  {
    wait: (key) => ['BLMOVE', key, `${key}:to`, 'LEFT', 'RIGHT', '0'],
    release: (key, count) => [['MULTI'], ['RPUSH', key, ...many(count)], ['LLEN', key], ['EXEC']],
  },
  {
    wait: (key) => ['BLMPOP', '0', '2', `${key}:none`, key, 'RIGHT', 'COUNT', '1'],
    release: (key, count) => [
      ['EVAL', "return redis.call('RPUSH',KEYS[1],unpack(ARGV))", 1, key, ...many(count)],
    ],
  },
  {
    wait: (key) => ['BZPOPMIN', key, '0'],
    release: (key, count) => [['ZADD', key, ...many(count).flatMap((item, n) => [n, item])]],
  },
  {
    wait: (key) => ['BZMPOP', '0', '1', key, 'MAX', 'COUNT', '1'],
    release: (key, count) => many(count).map((item, n) => ['ZADD', key, n, item]),
  },
  {
    wait: (key) => ['XREAD', 'BLOCK', '0', 'STREAMS', key, '$'],
    release: (key) => [['XADD', key, '7-1', 'field', 'value']],
  },
]

async function prepare(server: RedisServer): Promise<void> {
  for (const command of [...USERS, ['FLUSHALL'], ['SCRIPT', 'FLUSH'], ['FUNCTION', 'FLUSH']]) {
    await server.command(...command)
  }
}

/** Who listens to what the fuzzer publishes. */
async function subscribers(server: RedisServer): Promise<string> {
  const channels = await server.command('PUBSUB', 'NUMSUB', 'ch1', 'ch2', 'ch3', 'ch4')
  const shards = await server.command('PUBSUB', 'SHARDNUMSUB', 'shard1', 'shard2', 'shard3')
  const clients = await text(server, 'CLIENT', 'LIST', 'TYPE', 'pubsub')
  const patterns = [...clients.matchAll(/ psub=(\d+)/g)].map((match) => Number(match[1]))
  return JSON.stringify([channels, shards, patterns.reduce((sum, each) => sum + each, 0)])
}

async function digest(server: RedisServer): Promise<string> {
  const keys = await text(server, 'INFO', 'keyspace')
  return `${await text(server, 'DEBUG', 'DIGEST')} ${keys.replace(/avg_ttl=\d+/g, '')}`
}

async function text(server: RedisServer, ...command: readonly string[]): Promise<string> {
  const reply = await server.command(...command)
  if (typeof reply !== 'string') throw new Error(`${command.join(' ')}: ${JSON.stringify(reply)}`)
  return reply
}
