import type { ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { beginStream } from './respond.ts'

const maxStreams = 32
/** A reader that lets this much pile up is closed; it comes back and gets the newest state. */
const maxUnreadBytes = 1024 ** 2
const tickMs = 1000
const heartbeatTicks = 15

/** Server-sent events: the whole state at once, then again whenever it has changed. */
export class EventStreams {
  readonly #streams = new Set<ServerResponse>()
  readonly #state: () => Promise<object> | object
  readonly #clock: Clock
  #cancelTick: (() => void) | null = null
  #last = ''
  #quietTicks = 0

  constructor(state: () => Promise<object> | object, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  /** Takes over a response; false when there are too many already. */
  async open(response: ServerResponse): Promise<boolean> {
    if (this.#streams.size >= maxStreams) return false
    beginStream(response, 'text/event-stream')
    this.#streams.add(response)
    response.on('close', () => {
      this.#streams.delete(response)
    })
    response.write(eventOf(JSON.stringify(await this.#state())))
    this.#tick()
    return true
  }

  /** Shows a change now rather than at the next tick. */
  async push(): Promise<void> {
    if (this.#streams.size === 0) return
    const text = JSON.stringify(await this.#state())
    const isChange = text !== this.#last
    const isHeartbeat = !isChange && ++this.#quietTicks >= heartbeatTicks
    if (!isChange && !isHeartbeat) return
    this.#last = text
    this.#quietTicks = 0
    for (const stream of this.#streams) {
      if (stream.writableLength > maxUnreadBytes) stream.destroy()
      else stream.write(isChange ? eventOf(text) : ': still here\n\n')
    }
  }

  close(): void {
    this.#cancelTick?.()
    this.#cancelTick = null
    for (const stream of this.#streams) stream.end()
  }

  #tick(): void {
    if (this.#cancelTick !== null) return
    this.#cancelTick = this.#clock.after(tickMs, () => {
      this.#cancelTick = null
      void this.push().finally(() => {
        if (this.#streams.size > 0) this.#tick()
      })
    })
  }
}

function eventOf(json: string): string {
  return `event: state\ndata: ${json}\n\n`
}
