import { dig, isFields } from './admin-door.ts'

/** The gate of one data plane, as its door or its monitor tells of it. */
export interface GateSeen {
  readonly name: string
  readonly gate: string
  readonly reason: string | null
  readonly upstream: string | null
  readonly clients: number | null
  readonly held: number | null
  readonly inFlight: number | null
}

/** From the state of `up`, of a data plane alone, or of a monitor alone. */
export function gatesIn(state: unknown, group: string): readonly GateSeen[] {
  const workers = dig(state, 'workers')
  if (Array.isArray(workers)) {
    return workers.flatMap((worker: unknown, index) => {
      const name = `worker ${String(index)} (pid ${String(dig(worker, 'pid'))})`
      return gateOf(name, dig(worker, 'groups', group))
    })
  }
  const alone = gateOf('data plane', dig(state, 'proxyd', 'groups', group))
  if (alone.length > 0) return alone
  const told = dig(state, 'monitor', 'groups', group, 'planned', 'dataPlanes')
  if (!Array.isArray(told)) return []
  return told.map((plane: unknown) => ({
    name: `data plane (pid ${String(dig(plane, 'pid'))})`,
    gate: String(dig(plane, 'state')),
    reason: null,
    upstream: text(dig(plane, 'upstream')),
    clients: null,
    held: null,
    inFlight: number(dig(plane, 'inFlight')),
  }))
}

function gateOf(name: string, group: unknown): readonly GateSeen[] {
  if (!isFields(group)) return [{ ...absent, name }].filter(() => name.startsWith('worker'))
  return [
    {
      name,
      gate: String(dig(group, 'gate', 'name')),
      reason: text(dig(group, 'gate', 'reason')),
      upstream: text(group['upstream']),
      clients: number(group['clients']),
      held: number(group['held']),
      inFlight: number(group['inFlight']),
    },
  ]
}

const absent = {
  gate: 'not running',
  reason: null,
  upstream: null,
  clients: null,
  held: null,
  inFlight: null,
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
