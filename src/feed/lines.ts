import { ProxyError } from '../base/errors.ts'

/** Cuts a stream of bytes into lines of bounded length. */
export class LineReader {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that are complete now. Throws a ProxyError FEED when one is too long. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#add(chunk.subarray(start, end))
      lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#size = 0
      start = end + 1
    }
    if (start < chunk.length) this.#add(chunk.subarray(start))
    return lines
  }

  #add(part: Buffer): void {
    this.#size += part.length
    if (this.#size > this.#maxBytes) {
      throw new ProxyError('FEED', `a line is longer than ${String(this.#maxBytes)} bytes`)
    }
    this.#parts.push(part)
  }
}
