import { afterEach } from 'vitest'
import { ProxyError } from '../../../src/base/errors.ts'
import { deferred } from '../../../src/base/deferred.ts'
import { passingMemory } from '../../../src/base/part-memory.ts'
import { Turn } from '../../../src/base/turn.ts'
import type { Arbiter, Exchange, Fate, LinkState } from '../../../src/dispatcher.ts'
import { Link, type LinkContext, type LinkKind } from '../../../src/upstream/link.ts'
import { until } from '../../support/until.ts'
import { plainState } from '../support/call.ts'
import { ScriptedServer, type Accepted, type Answer } from '../support/scripted-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** An arbiter that decides nothing and writes everything down. */
export class Notes implements Arbiter {
  readonly lost: [Exchange, string, Fate, boolean][] = []
  readonly takenBack: Exchange[] = []
  /** Which replies are taken back. */
  takes: (reply: string) => boolean = () => false

  takesBack(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.takes(Buffer.from(bytes.subarray(start, end)).toString('latin1'))) return false
    this.takenBack.push(exchange)
    return true
  }

  doubts(exchange: Exchange, bytes: Uint8Array, start: number, end: number): boolean {
    const isScript = exchange.traits.name === 'eval'
    return isScript && bytes.subarray(start, end).toString().startsWith('-READONLY')
  }

  takesBackScript(exchange: Exchange): void {
    this.takenBack.push(exchange)
  }

  onLost(exchange: Exchange, cause: ProxyError, fate: Fate, begun: boolean): void {
    this.lost.push([exchange, cause.code, fate, begun])
  }

  onLinkLost(): void {
    // the context is told as well
  }

  onIdentityRefused(): void {
    // for the door of the room
  }
}

export interface Stage {
  readonly server: ScriptedServer
  readonly clock: VirtualClock
  readonly notes: Notes
  /** The causes of links that died and that nobody had closed. */
  readonly deaths: string[]
  readonly context: LinkContext
  /** What the server says of itself when it is asked whether it is no master any more. */
  refute(isRefuted: boolean): void
  link(kind?: LinkKind, state?: LinkState, wantRunId?: boolean): Link
}

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

export const stallMs = 50

/** A server on loopback, and links to it that are closed when the test is over. */
export async function stage(answer?: Answer): Promise<Stage> {
  const server = await new ScriptedServer(answer).open()
  const links: Link[] = []
  const clock = new VirtualClock()
  const deaths: string[] = []
  const notes = new Notes()
  const refuted = deferred<boolean>()
  cleanups.push(async () => {
    for (const link of links) if (!link.closed) link.destroy(fenced())
    await server.close()
  })
  const context: LinkContext = {
    options: {
      host: '127.0.0.1',
      port: server.port,
      tls: null,
      clientName: 'test',
      connectTimeoutMs: 501,
      handshakeTimeoutMs: 1_001,
      keepAliveMs: 30_000,
      highWaterBytes: 1_000,
      slowReaderStallMs: stallMs,
    },
    clock,
    turn: new Turn(),
    memory: passingMemory(),
    onLost: (_link, cause) => deaths.push(cause.code),
    isRefuted: () => refuted.promise,
  }
  return {
    server,
    clock,
    notes,
    deaths,
    context,
    refute: (isRefuted) => {
      refuted.resolve(isRefuted)
    },
    link(kind = 'lane', state = plainState, wantRunId = false) {
      const link = new Link(context, kind, state, notes, wantRunId)
      links.push(link)
      return link
    },
  }
}

function fenced(): ProxyError {
  return new ProxyError('FENCED')
}

/** A link whose handshake is done, and the server's side of it. */
export async function connected(
  on: Stage,
  kind: LinkKind = 'lane',
): Promise<{ link: Link; peer: Accepted }> {
  const index = on.server.accepted.length
  const link = on.link(kind)
  const peer = await on.server.accept(index)
  await link.ready
  return { link, peer }
}

/** Waits for something that the other side of a socket does. */
export function seen(condition: () => boolean): Promise<boolean> {
  return until(condition, { within: 3_000, every: 2 })
}
