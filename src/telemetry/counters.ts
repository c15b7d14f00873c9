import type { Histogram } from './histogram.ts'
import { histogram } from './histogram.ts'

/** Label values: closed lists, each initialised to 0, so that a rate exists before its first event. */
export const labels = {
  /** Which way a command went; `local`: answered by the proxy itself. */
  route: ['lane', 'lease', 'control', 'local'],
  /** Why the gate began to hold. */
  hold: ['link-lost', 'not-master', 'announced', 'manual', 'start', 'stall'],
  /** Why a command was answered with an error of ours and not executed. */
  refusal: [
    'hold-window',
    'hold-commands',
    'hold-bytes',
    'hold-client',
    'lease-limit',
    'upload-cut',
    'denied',
    'protocol',
    'shutdown',
  ],
  /** What allowed a command to be sent again: never handed over, refused with proof, or its class. */
  replay: ['unsent', 'refused', 'read', 'blocking', 'same-state', 'other-reply', 'time-relative'],
  /** Why a session held an exclusive link (`LeaseReason`). */
  lease: [
    'blocking',
    'transaction',
    'watch',
    'subscription',
    'tracking',
    'redirect',
    'no-evict',
    'no-touch',
    'wait',
    'monitor',
    'replication',
    'debugger',
    'raw',
    'upload',
    'admin',
    'module',
    'unknown',
    'dedicated',
  ],
  /** What an upstream link is for. */
  link: ['lane', 'lease', 'control', 'probe'],
  /** Why a link had to be opened anew. */
  reconnect: ['lost', 'refused', 'timeout', 'handshake', 'not-master', 'switch'],
  /** Why a client's connection ended. */
  disconnect: [
    'client',
    'quit',
    'error',
    'protocol',
    'output-limit',
    'max-clients',
    'half-reply',
    'lease-lost',
    'in-doubt',
    'killed',
    'shutdown',
  ],
  /** How a sentinel stands with us. */
  sentinel: ['ok', 'stale', 'tilt', 'unreachable'],
  /** Where an observation about the group came from. */
  evidence: ['event', 'poll', 'hello', 'role', 'role-failed', 'lost', 'directory', 'reader'],
} as const

type Labels = typeof labels

/** One counter for each value of a closed list; a plain object of constant shape. */
export type CounterSet<K extends keyof Labels> = Record<Labels[K][number], number>

function counterSet<K extends keyof Labels>(list: K): CounterSet<K> {
  return Object.fromEntries(labels[list].map((value) => [value, 0])) as CounterSet<K>
}

/** From a loopback reply to the longest hold window. */
const commandBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
]
const holdBounds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 12, 15, 20, 30, 60]

/**
 * Everything that the data path counts, as plain fields: incremented where it happens, read when
 * metrics are scraped. Plain data: a worker sends it to the supervisor as JSON.
 *
 * The law: every command taken is answered, refused, in doubt, dropped, in flight or held:
 * sum(commands) = replies + sum(refused) + inDoubt + dropped + inFlight + held.
 */
export class DataPlaneCounters {
  /** Client connections that are open. */
  clients = 0
  /** Client connections accepted since the start. */
  clientConnections = 0
  /** Client connections that ended, by reason. */
  readonly clientDisconnects = counterSet('disconnect')
  /** Complete requests taken from clients, by the way they went. */
  readonly commands = counterSet('route')
  /** Commands answered by the master, or by us with what the server would have said. */
  replies = 0
  /** Commands answered with an error of ours; they were not executed. */
  readonly refused = counterSet('refusal')
  /** Commands answered with INDOUBT. */
  inDoubt = 0
  /** Commands whose client left before the answer: held ones are never run. */
  dropped = 0
  /** Commands handed to a link that are not answered yet. */
  inFlight = 0
  /** Commands that wait at the gate. */
  held = 0
  /** Bytes of the commands that wait at the gate. */
  heldBytes = 0
  /** Times that the gate began to hold, by what it saw first. */
  readonly holds = counterSet('hold')
  /** From the first moment of a hold until the last held command was sent or refused. */
  readonly holdSeconds: Histogram = histogram(holdBounds)
  /** Commands sent again on a new link, by what allowed it. */
  readonly replayed = counterSet('replay')
  /** Changes of master that were followed. */
  switches = 0
  /** The number of the current set of links; grows by one with each switch. */
  generation = 0
  /** Exclusive links that are held by a session. */
  leases = 0
  /** Exclusive links given to sessions, by reason. */
  readonly leasesTaken = counterSet('lease')
  /** Links to the master that are open, by what they are for. */
  readonly upstreamLinks = counterSet('link')
  /** Links that had to be opened anew, by reason. */
  readonly upstreamReconnects = counterSet('reconnect')
  /** From a complete request to the last byte of its reply, waits included. */
  readonly commandSeconds: Histogram = histogram(commandBounds)
  /** Bytes read from clients. */
  clientBytesIn = 0
  /** Bytes written to clients. */
  clientBytesOut = 0
  /** Bytes read from the master. */
  upstreamBytesIn = 0
  /** Bytes written to the master. */
  upstreamBytesOut = 0
}

/** What the control path counts. Plain data likewise. */
export class ControlPlaneCounters {
  /** Sentinels that are known, by how they stand with us. */
  readonly sentinels = counterSet('sentinel')
  /** Observations taken into account, by source. */
  readonly evidence = counterSet('evidence')
  /** The config-epoch of the master that is followed. */
  configEpoch = 0
  /** Seconds since a sentinel last confirmed the master. */
  discoveryAgeSeconds = 0
}

/** Adds the numbers of `from` to those of `into`, field by field. Both are of the same class. */
export function addCounters<T extends object>(into: T, from: T): void {
  const target = into as Record<string, unknown>
  for (const [key, value] of Object.entries(from)) {
    const own = target[key]
    if (key === 'bounds') continue
    if (typeof value === 'number') target[key] = combine(key, Number(own ?? 0), value)
    else if (isObject(value) && isObject(own)) addCounters(own, value)
  }
}

/** Most numbers add up; these are the same thing seen by several processes. */
function combine(key: string, a: number, b: number): number {
  const isShared = key === 'generation' || key === 'configEpoch' || key === 'discoveryAgeSeconds'
  return isShared ? Math.max(a, b) : a + b
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
