/** From here on Redis, which writes 64 KiB to a connection before it looks at the others, is slowed. */
const largeBytes = 4 * 1024

/** What is left of the past with each piece of news. */
const memory = 0.9

/** How much a command of late has had of a link, both ways. */
export class Volume {
  #bytes = 0
  #commands = 0
  /** More than a few KiB for each command, on the average of the last few reads. */
  isLarge = false

  sent(bytes: number): void {
    this.#bytes += bytes
  }

  answered(commands: number): void {
    this.#commands += commands
  }

  /** Ends a piece of news: the bytes of one read. */
  received(bytes: number): void {
    this.#bytes += bytes
    this.isLarge = this.#bytes > largeBytes * this.#commands
    this.#bytes *= memory
    this.#commands *= memory
  }
}
