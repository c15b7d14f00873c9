import { createHash } from 'node:crypto'

import type { Random } from '../random.ts'
import { encode } from '../resp.ts'
import type { Arg } from '../resp.ts'
import type { Family } from './family.ts'
import { dataFamilies } from './templates-data.ts'
import { sessionFamilies } from './templates-session.ts'

/** One request: its words, and the family they came from. */
export interface Saying {
  readonly words: readonly Arg[]
  readonly family: string
}

export interface Scope {
  /** What every key begins with. */
  readonly prefix: string
  /** Others talk at the same time: only what touches the keys it names. */
  readonly alone: boolean
}

export const SHARED: Scope = { prefix: 'fuzz:', alone: false }

const families: readonly Family[] = [...dataFamilies, ...sessionFamilies]

const KEY_TYPES = ['s', 'num', 'b', 'h', 'l', 't', 'z', 'x', 'g', 'y']
const KEYS_PER_TYPE = 4
const BLANK_FREE_SCRIPTS = [
  "return{KEYS[1],redis.call('GET',KEYS[1])}",
  "return{redis.call('INCRBY',KEYS[1],7)}",
  "return{redis.call('SET',KEYS[1],'from-a-script'),redis.call('APPEND',KEYS[1],'!')}",
]
const LIBRARY = `#!lua name=fuzz
redis.register_function('fuzz', function(keys, args)
  return redis.call('INCRBY', keys[1], args[1])
end)
redis.register_function{function_name='fuzz_ro', flags={'no-writes'}, callback=function(keys)
  return redis.call('GET', keys[1])
end}`
const VALUES = [
  '',
  'a',
  '1',
  '-17',
  '3.5',
  'message',
  'hello world',
  'line\r\nline',
  '*3\r\n$7\r\nmessage\r\n',
  '$-1\r\n',
  '-ERR not an error\r\n',
  '+OK',
  '>2\r\n',
  '\u0000\u0001ÿ',
  'nan',
  '9223372036854775807',
]
const FLOATS = ['0', '1.5', '-2.25', '3e2', '1000000', 'inf', '-0.125', 'x']
const NAMES = ['anna', 'bert', 'cleo', 'a b', '']

/** A value so large that it is passed on in pieces, and one that just is not. */
const LARGEST = 300 * 1024

/** Makes requests of templates, all from one seed. */
export class Words {
  readonly #random: Random
  readonly #weights: number
  #id = 1

  constructor(random: Random) {
    this.#random = random
    this.#weights = families.reduce((sum, each) => sum + each.weight, 0)
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.#random.between(0, from.length - 1)]
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability
  }

  /** A request of any family that the scope allows and `accept` wants. */
  say(scope: Scope, accept: (family: Family, template: string) => boolean): Saying {
    for (;;) {
      const family = this.#family()
      const template = this.pick(family.templates)
      if ((scope.alone && family.reach === 'shared') || !accept(family, template)) continue
      const words = this.fill(template, scope)
      const odd = family.mutable && this.chance(0.02)
      return { words: odd ? this.#mutilated(words) : words, family: family.name }
    }
  }

  /** A template with its blanks filled in. */
  fill(template: string, scope: Scope): Arg[] {
    return template.split(' ').map((word) => this.#word(word, scope))
  }

  #word(word: string, scope: Scope): Arg {
    if (word === '{v}') return this.#value()
    return word.replace(/\{([a-z]+)\}/g, (_all, kind: string) => this.#blank(kind, scope))
  }

  #family(): Family {
    let at = this.#random.next() * this.#weights
    for (const family of families) {
      at -= family.weight
      if (at <= 0) return family
    }
    return this.pick(families)
  }

  #mutilated(words: readonly Arg[]): Arg[] {
    if (this.chance(0.5) && words.length > 1) return words.slice(0, -1)
    return [...words, this.pick(['extra', 'NX', '1', ''])]
  }

  #value(): Arg {
    const dice = this.#random.next()
    if (dice < 0.004)
      return this.#random
        .bytes(64)
        .toString('hex')
        .repeat(LARGEST / 128)
    if (dice < 0.008) return 'v'.repeat(this.#random.between(250, 270) * 1024)
    if (dice < 0.03) return 'w'.repeat(this.#random.between(1, 20_000))
    if (dice < 0.1) return this.#random.bytes(this.#random.between(0, 40))
    return this.pick(VALUES)
  }

  #blank(kind: string, scope: Scope): string {
    const random = this.#random
    switch (kind) {
      case 'any':
        return this.#key(this.pick(KEY_TYPES), scope)
      case 'i':
        return String(random.between(-6, 12))
      case 'n':
        return String(random.between(0, 40))
      case 'f':
        return this.pick(FLOATS)
      case 'm':
        return `m${random.between(0, 30)}`
      case 'db':
        return String(random.between(0, 3))
      case 'newid':
        return `${(this.#id += random.between(1, 3))}-${random.between(0, 2)}`
      case 'oldid':
        return `${random.between(1, this.#id)}-${random.between(0, 2)}`
      case 'group':
        return `group${random.between(1, 2)}`
      case 'consumer':
        return `consumer${random.between(1, 2)}`
      case 'ch':
        return `ch${random.between(1, 4)}`
      case 'shard':
        return `shard${random.between(1, 3)}`
      case 'pattern':
        // No two match one channel: a server takes its patterns in the order of a hash.
        return this.pick(['ch[12]', 'c?3', 'nothing*'])
      case 'name':
        return this.pick(NAMES)
      case 'script':
        return this.pick(BLANK_FREE_SCRIPTS)
      case 'sha':
        return sha1(this.pick(BLANK_FREE_SCRIPTS))
      case 'library':
        return LIBRARY
      default:
        return this.#key(kind, scope)
    }
  }

  /** Mostly a key of the type, at times one of another. */
  #key(type: string, scope: Scope): string {
    const real = this.chance(0.04) ? this.pick(KEY_TYPES) : type
    return `${scope.prefix}${real}${this.#random.between(1, KEYS_PER_TYPE)}`
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

/** The bytes of a request: canonical, or inline where every word can stand so and `inline` asks. */
export function bytesOf(words: readonly Arg[], inline: boolean): Buffer {
  const plain = words.every(
    (word) => typeof word === 'string' && /^[\w:.*+-]+$/.test(word) && word.length < 1_000,
  )
  return inline && plain ? Buffer.from(`${words.join(' ')}\r\n`) : encode(...words)
}
