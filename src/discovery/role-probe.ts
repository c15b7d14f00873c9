import type { Redis } from 'ioredis'
import { addressKey } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'
import type { RoleEvidence, RoleFailedEvidence, Stamp } from '../topology/evidence.ts'
import { parseRole } from '../topology/parse.ts'
import type { AddressMap } from '../topology/parse.ts'
import type { KeptLinkDeps } from './kept-link.ts'
import { askAll, isReplyError, openLink } from './redis-link.ts'
import type { LinkOptions } from './redis-link.ts'

export interface RoleProbeOptions {
  readonly link: LinkOptions
  readonly addressMap: AddressMap
}

export interface RoleProbeHooks {
  stamp(): Stamp
  onAnswer(evidence: RoleEvidence | RoleFailedEvidence): void
}

interface Probe {
  readonly address: Address
  redis: Redis | null
  asking: boolean
  again: boolean
  lastAsked: number
  cancelGap: () => void
}

/** Between two questions to one node at the least. */
const MIN_GAP_MS = 50
/** A connection that nobody used for so long is closed. */
const IDLE_MS = 30_000
const MAX_PROBES = 64

/** Asks data nodes what they are: ROLE and run_id, on a connection of its own for each node. */
export class RoleProbe {
  readonly #options: RoleProbeOptions
  readonly #hooks: RoleProbeHooks
  readonly #deps: KeptLinkDeps
  readonly #probes = new Map<string, Probe>()
  #closed = false

  constructor(options: RoleProbeOptions, hooks: RoleProbeHooks, deps: KeptLinkDeps) {
    this.#options = options
    this.#hooks = hooks
    this.#deps = deps
  }

  /** Asks now, or directly after the answer that is awaited. One answer at least will follow. */
  ask(address: Address): void {
    if (this.#closed) return
    const probe = this.#probeOf(address)
    if (probe.asking) {
      probe.again = true
      return
    }
    void this.#run(probe)
  }

  /** Closes what was not used lately; called now and then by the owner. */
  sweep(): void {
    const now = this.#hooks.stamp().at
    for (const [key, probe] of this.#probes) {
      if (probe.asking || now - probe.lastAsked < IDLE_MS) continue
      probe.redis?.disconnect()
      this.#probes.delete(key)
    }
  }

  close(): void {
    this.#closed = true
    for (const probe of this.#probes.values()) {
      probe.cancelGap()
      probe.redis?.disconnect()
    }
    this.#probes.clear()
  }

  #probeOf(address: Address): Probe {
    const key = addressKey(address)
    let probe = this.#probes.get(key)
    if (probe === undefined) {
      if (this.#probes.size >= MAX_PROBES) this.sweep()
      probe = {
        address,
        redis: null,
        asking: false,
        again: false,
        lastAsked: 0,
        cancelGap() {
          // No gap is being waited for.
        },
      }
      this.#probes.set(key, probe)
    }
    return probe
  }

  async #run(probe: Probe): Promise<void> {
    probe.asking = true
    probe.lastAsked = this.#hooks.stamp().at
    const answer = await this.#question(probe)
    if (this.#closed) return
    this.#hooks.onAnswer(answer)
    probe.cancelGap = this.#deps.clock.after(MIN_GAP_MS, () => {
      probe.asking = false
      if (!probe.again) return
      probe.again = false
      this.ask(probe.address)
    })
  }

  async #question(probe: Probe): Promise<RoleEvidence | RoleFailedEvidence> {
    try {
      const reused = probe.redis
      if (reused !== null) {
        try {
          return await this.#ask(reused, probe.address)
        } catch (error) {
          const closed = reused.status === 'end' || reused.status === 'close'
          this.#drop(probe, reused)
          // A switch closes all connections; that says nothing of the node. Once more, on a new one.
          if (!closed) throw error
        }
      }
      const redis = await openLink(probe.address, this.#options.link)
      if (this.#closed) {
        redis.disconnect()
        throw new ProxyError('SHUTDOWN')
      }
      probe.redis = redis
      redis.once('end', () => {
        this.#drop(probe, redis)
      })
      return await this.#ask(redis, probe.address)
    } catch (error) {
      if (probe.redis !== null) this.#drop(probe, probe.redis)
      const reason = reasonOf(error)
      const denied = isDenied(error)
      const stamp = this.#hooks.stamp()
      return { kind: 'role-failed', ...stamp, address: probe.address, reason, denied }
    }
  }

  async #ask(redis: Redis, address: Address): Promise<RoleEvidence> {
    const questions: [string, ...string[]][] = [
      ['ROLE'],
      ['INFO', 'server'],
      ['INFO', 'replication'],
    ]
    const [role, server, replication] = await askAll(redis, questions)
    if (role instanceof Error) throw role
    const info = `${text(server)}\r\n${text(replication)}`
    const { addressMap } = this.#options
    const evidence = parseRole(address, role, info, this.#hooks.stamp(), addressMap)
    if (evidence === null) throw new ProxyError('PROTOCOL', 'ROLE gave an unknown form of reply')
    return evidence
  }

  #drop(probe: Probe, redis: Redis): void {
    redis.disconnect()
    if (probe.redis === redis) probe.redis = null
  }
}

/** NOAUTH and NOPERM are codes of Redis; a wrong password is a mistake of ours and not meant. */
function isDenied(error: unknown): boolean {
  return isReplyError(error) && /^(NOAUTH|NOPERM) /.test(error.message)
}

function text(reply: unknown): string {
  return typeof reply === 'string' ? reply : ''
}
