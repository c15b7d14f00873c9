/** Cuts a stream of canonical requests (arrays of bulk strings) into their arguments. */
export class RequestScanner {
  #pending = Buffer.alloc(0)

  feed(chunk: Buffer): Buffer[][] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const requests: Buffer[][] = []
    for (;;) {
      const found = this.#next()
      if (found === undefined) return requests
      requests.push(found)
    }
  }

  #next(): Buffer[] | undefined {
    const header = this.#line(0)
    if (header === undefined) return undefined
    if (!header.text.startsWith('*')) throw new Error(`not a canonical request: ${header.text}`)
    const args: Buffer[] = []
    let at = header.next
    for (let n = 0; n < Number(header.text.slice(1)); n += 1) {
      const size = this.#line(at)
      if (size === undefined) return undefined
      const end = size.next + Number(size.text.slice(1))
      if (end + 2 > this.#pending.length) return undefined
      args.push(this.#pending.subarray(size.next, end))
      at = end + 2
    }
    this.#pending = this.#pending.subarray(at)
    return args
  }

  #line(at: number): { text: string; next: number } | undefined {
    const end = this.#pending.indexOf('\r\n', at)
    if (end < 0) return undefined
    return { text: this.#pending.toString('latin1', at, end), next: end + 2 }
  }
}
