import type { ConnectionOptions } from 'node:tls'
import type { Address } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { PassingMemory } from '../base/part-memory.ts'
import type { Turn } from '../base/turn.ts'
import type { Arbiter, Generation, Identity } from '../dispatcher.ts'
import { MasterGeneration, probe, type GenerationOptions } from './generation.ts'

/** How masters are reached. Times in milliseconds, sizes in bytes. */
export interface UpstreamOptions extends GenerationOptions {
  readonly tls: ConnectionOptions | null
  readonly clientName: string
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  readonly handshakeTimeoutMs: number
  readonly highWaterBytes: number
  readonly slowReaderStallMs: number
}

const nobody: Identity = { name: 'default', auth: null }

/** The door of this room: makes generations, numbered in the order in which they were made. */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #arbiter: Arbiter
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #memory: PassingMemory
  #number = 0
  #latest: MasterGeneration | null = null

  constructor(
    options: UpstreamOptions,
    arbiter: Arbiter,
    clock: Clock,
    turn: Turn,
    memory: PassingMemory,
  ) {
    this.#memory = memory
    this.#options = options
    this.#arbiter = arbiter
    this.#clock = clock
    this.#turn = turn
  }

  /** Connects to a node that the view names; rejects with a ProxyError unless it is a master. */
  async open(address: Address): Promise<Generation> {
    const { lease, linksPerLane, probeIdentity, ...link } = this.#options
    const base = {
      options: { ...link, host: address.host, port: address.port },
      clock: this.#clock,
      turn: this.#turn,
      memory: this.#memory,
    }
    const greeting = await probe(base, probeIdentity, this.#arbiter)
    const wantsAuth =
      probeIdentity.auth === null
        ? greeting.wantsAuth
        : (await probe(base, nobody, this.#arbiter)).wantsAuth
    this.#number++
    this.#latest = new MasterGeneration(
      this.#number,
      { ...greeting, wantsAuth },
      base,
      { lease, linksPerLane, probeIdentity },
      this.#arbiter,
    )
    return this.#latest
  }

  /** Links of the newest generation by kind, for the metrics. */
  census(): ReturnType<MasterGeneration['census']> | null {
    return this.#latest?.census() ?? null
  }
}
