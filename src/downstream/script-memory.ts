import { hash } from 'node:crypto'
import type { Identity } from '../dispatcher.ts'

/** A script as a server has accepted it, and who was last seen to send it. */
export interface Script {
  readonly body: Uint8Array
  readonly identity: Identity
}

/** What a script costs beside its body: its name, and its place in the list. */
const overheadBytes = 200

const nameLength = 40

/**
 * The bodies of scripts by their sha1, within a number of bytes; the one that was not used for the
 * longest time goes first. Servers do not replicate their script caches (since Redis 7.0), so a new
 * master knows none of them.
 */
export class ScriptMemory {
  readonly #maxBytes: number
  /** By sha1 in lower case; the one used last stands last. */
  readonly #scripts = new Map<string, Script>()
  #bytes = 0
  /** What was touched last and stands last: most clients use one script again and again. */
  readonly #last = new Uint8Array(nameLength)

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The bytes that it holds, bodies and places. */
  get bytes(): number {
    return this.#bytes
  }

  get enabled(): boolean {
    return this.#maxBytes > 0
  }

  /** The server has accepted this body. */
  remember(body: Uint8Array, identity: Identity): void {
    const size = body.length + overheadBytes
    if (size > this.#maxBytes) return
    const name = scriptName(body)
    const known = this.#scripts.get(name)
    if (known === undefined) this.#bytes += size
    else this.#scripts.delete(name)
    this.#last.fill(0)
    this.#scripts.set(name, { body: known?.body ?? new Uint8Array(body), identity })
    for (const [oldest, script] of this.#scripts) {
      if (this.#bytes <= this.#maxBytes) break
      this.#scripts.delete(oldest)
      this.#bytes -= script.body.length + overheadBytes
    }
  }

  /** The script whose sha1 (in any case) is `bytes[start, end)` is in use. */
  touch(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (end - start !== nameLength || this.#isLast(bytes, start)) return
    const name = bytes.subarray(start, end)
    this.#last.set(name)
    const text = Buffer.from(name).toString('latin1').toLowerCase()
    const script = this.#scripts.get(text)
    if (script === undefined) return
    this.#scripts.delete(text)
    this.#scripts.set(text, script)
  }

  #isLast(bytes: Uint8Array, start: number): boolean {
    const last = this.#last
    for (let i = 0; i < nameLength; i++) if (bytes[start + i] !== last[i]) return false
    return true
  }

  /** SCRIPT FLUSH: the server has forgotten all of them. */
  forget(): void {
    this.#scripts.clear()
    this.#bytes = 0
  }

  /** All of them, the one used last first. */
  list(): Script[] {
    return [...this.#scripts.values()].reverse()
  }
}

/** The name that a server gives to a script. */
export function scriptName(body: Uint8Array): string {
  return hash('sha1', body, 'hex')
}
