import type { Redis } from 'ioredis'
import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'
import { askAll, openLink } from './redis-link.ts'
import type { LinkOptions } from './redis-link.ts'

/** A command and its arguments. */
export type Question = readonly [string, ...string[]]

/** Questions to many servers during one piece of work: one connection to each, opened at need. */
export class Questioner {
  readonly #link: LinkOptions
  readonly #links = new Map<string, Promise<Redis>>()
  #closed = false

  constructor(link: LinkOptions) {
    this.#link = link
  }

  /**
   * The replies in order; one that is an error is an Error in its place. Rejects with a ProxyError
   * when the server cannot be reached or does not answer in time; the next question opens anew.
   */
  async ask(address: Address, questions: readonly Question[]): Promise<unknown[]> {
    if (this.#closed) throw new ProxyError('SHUTDOWN')
    const key = addressKey(address)
    const opening = this.#links.get(key) ?? openLink(address, this.#link)
    this.#links.set(key, opening)
    try {
      const redis = await opening
      if (redis.status !== 'ready') throw new ProxyError('LINK_LOST', `${key}: connection closed`)
      return await askAll(redis, questions)
    } catch (error) {
      this.#links.delete(key)
      void disconnect(opening)
      throw error
    }
  }

  /** One question; an error reply rejects. */
  async askOne(address: Address, ...question: Question): Promise<unknown> {
    const [reply] = await this.ask(address, [question])
    if (reply instanceof Error) {
      throw new ProxyError('REFUSED', `${addressKey(address)}: ${reply.message}`, { cause: reply })
    }
    return reply
  }

  close(): void {
    this.#closed = true
    for (const opening of this.#links.values()) void disconnect(opening)
    this.#links.clear()
  }
}

async function disconnect(opening: Promise<Redis>): Promise<void> {
  try {
    const redis = await opening
    redis.disconnect()
  } catch {
    // It was never open, and whoever asked has been told.
  }
}
