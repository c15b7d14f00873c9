/** What is measured: Redis itself, and what may stand before it. */
export const targetNames = [
  'direct',
  'haproxy',
  'twemproxy',
  'multiplexed',
  'dedicated',
  'otherNode',
  'floor',
  'tunnel',
] as const

export type TargetName = (typeof targetNames)[number]

/** For people. */
export const targetTitles: Readonly<Record<TargetName, string>> = {
  direct: 'direct',
  haproxy: 'HAProxy',
  twemproxy: 'twemproxy',
  multiplexed: 'switchmaster',
  dedicated: 'switchmaster, dedicated',
  otherNode: 'switchmaster, other Node',
  floor: 'a Node echo',
  tunnel: 'a Node tunnel',
}

/** Something that answers Redis commands on a port of the loopback interface. */
export interface Target {
  readonly name: TargetName
  readonly port: number
  /** The process that carries the commands; null for Redis itself. */
  readonly pid: number | null
  stop(): Promise<void>
}

/** The Redis that all targets lead to. */
export interface Origin {
  readonly port: number
  readonly pid: number
  readonly masterName: string
  readonly sentinelPort: number
  /** A folder for configurations and sockets; it goes at the end. */
  readonly folder: string
  close(): Promise<void>
}

/** A target that cannot be had on this machine, and what would help. */
export class Missing extends Error {
  override readonly name = 'Missing'
}
