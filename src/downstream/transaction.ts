import type { SessionVerb, Traits } from '../routing/traits.ts'
import { isPlainScript } from './script-verbs.ts'

/** A queued command whose success changes the state of the connection (`session-semantics` §4.1). */
export interface QueuedChange {
  /** Its place in the array that EXEC returns. */
  readonly index: number
  readonly verb: SessionVerb
  readonly traits: Traits
  /** The command as its client sent it. */
  readonly bytes: Uint8Array
}

/** A queued command as its client sent it. */
export interface Queued {
  readonly traits: Traits
  readonly bytes: Uint8Array
}

/**
 * An open transaction as the client sent it. None of it has run, so it can be queued again on
 * another link, as long as it was not too large to be kept.
 */
export class Transaction {
  readonly changes: QueuedChange[] = []
  /** Bodies of scripts in it, which the server knows once it has run them. */
  readonly scripts: Uint8Array[] = []
  readonly #maxBytes: number
  #commands: Queued[] | null = []
  #bytes = 0
  #count = 0
  #confirmed = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** What the server has queued, in order; null when there were too many bytes of it to keep. */
  get queued(): readonly Queued[] | null {
    return this.#commands?.slice(0, this.#confirmed) ?? null
  }

  /** The server has answered one more of the commands (which it does in order). */
  confirm(): void {
    this.#confirmed++
  }

  add(traits: Traits, bytes: Uint8Array, start: number, end: number): void {
    const own = bytes.slice(start, end)
    if (traits.verb !== null && !isPlainScript(traits)) {
      this.changes.push({ index: this.#count, verb: traits.verb, traits, bytes: own })
    }
    this.#count++
    this.#bytes += own.length
    if (this.#bytes > this.#maxBytes) this.#commands = null
    else this.#commands?.push({ traits, bytes: own })
  }

  /** One of those added has this script as its body. */
  addScript(body: Uint8Array): void {
    if (this.#commands !== null) this.scripts.push(body)
  }

  /** Something was queued that is not kept (a streamed value). */
  addUnkept(): void {
    this.#count++
    this.#commands = null
  }
}
