import { ProxyError, reasonOf } from '../base/errors.ts'
import type { HoldReason, ReleaseReason } from '../topology/holds.ts'
import type { View } from '../topology/view.ts'

/** The version of the feed's language. Another one is refused: both ends are one product. */
export const FEED_VERSION = 1
/** The longest line; a view of a large group is some 20 kB. */
export const MAX_LINE_BYTES = 1_048_576

/** A hold that people asked for, by `ctl hold` or as a part of a planned switchover. */
export type PlannedHoldReason = 'operator' | 'switchover'

/** Ids of the vote's own holds are positive, those of planned ones negative. */
export interface HoldNotice {
  readonly id: number
  readonly reason: HoldReason | PlannedHoldReason
  readonly ttlMs: number
}

/** `missed`: it ended while the reader was away. */
export type ReleaseNoticeReason = ReleaseReason | PlannedHoldReason | 'missed'

/** All that the monitor keeps shut of one group, so that a reader that was away misses no release. */
export interface InForce {
  /** Another one with each run of a monitor: two may not know of the same holds. */
  readonly instance: string
  /** The ids of all holds, planned ones too. */
  readonly holds: readonly number[]
}

/** From the monitor to its readers. `epochRestart`: a lower epoch than before is to be followed. */
export type FeedMessage =
  | {
      readonly type: 'snapshot'
      readonly view: View
      readonly hold: HoldNotice | null
      readonly epochRestart: boolean
      /** Absent: an earlier release of the monitor, which does not tell. */
      readonly inForce?: InForce
    }
  | ({ readonly type: 'hold'; readonly group: string } & HoldNotice)
  | {
      readonly type: 'release'
      readonly group: string
      readonly id: number
      readonly reason: ReleaseNoticeReason
    }
  /** Another master; ends every hold of the group. */
  | {
      readonly type: 'switch'
      readonly view: View
      readonly why: string
      readonly epochRestart: boolean
    }
  /** The same master; something else changed. */
  | { readonly type: 'view'; readonly view: View; readonly epochRestart: boolean }
  /** All that was seen by this look of a reader has been told: its view of the group is of now. */
  | { readonly type: 'looked'; readonly group: string; readonly token: string }
  /** Milliseconds since a sentinel of the group gave a sign of life; null: none ever did. */
  | { readonly type: 'heartbeat'; readonly ages: Readonly<Record<string, number | null>> }

/** What a reader met, so that the monitor looks at once. */
export type SymptomKind =
  'link-lost' | 'link-refused' | 'readonly' | 'loading' | 'masterdown' | 'not-master'

/** What the gate of one data plane does with the commands of one group. */
export interface GateReport {
  readonly group: string
  readonly pid: number
  readonly worker: number
  /** open, holding, draining or failfast */
  readonly state: string
  /** The ids of the holds in force. */
  readonly holds: readonly number[]
  /** Commands on the wire; 0 while no hold is in force, since then nobody waits for them. */
  readonly inFlight: number
  /** `host:port` of the master that its links lead to. */
  readonly upstream: string | null
}

/** From a reader to the monitor. */
export type ReaderMessage =
  | {
      readonly type: 'symptom'
      readonly group: string
      readonly what: SymptomKind
      readonly address: string
      readonly generation: number
    }
  /** The highest epoch followed so far, told when the connection begins. */
  | { readonly type: 'seen'; readonly group: string; readonly configEpoch: number }
  /** Wants to know who is master now, whatever was seen before; answered with `looked`. */
  | { readonly type: 'look'; readonly group: string; readonly token: string }
  /** Told when the connection begins and at each change: only data planes do. */
  | ({ readonly type: 'gate' } & GateReport)

const feedTypes: ReadonlySet<string> = new Set<FeedMessage['type']>([
  'snapshot',
  'hold',
  'release',
  'switch',
  'view',
  'looked',
  'heartbeat',
])
const readerTypes: ReadonlySet<string> = new Set<ReaderMessage['type']>([
  'symptom',
  'seen',
  'look',
  'gate',
])

/** One line, with its line feed. */
export function encode(message: FeedMessage | ReaderMessage): string {
  return `${JSON.stringify({ v: FEED_VERSION, ...message })}\n`
}

/** Throws a ProxyError FEED that says what is wrong with the line. */
export function decodeFeed(line: string): FeedMessage {
  const message = decode(line, feedTypes)
  checkFeed(message)
  return message as unknown as FeedMessage
}

/** Throws a ProxyError FEED that says what is wrong with the line. */
export function decodeReader(line: string): ReaderMessage {
  const message = decode(line, readerTypes)
  need(message, 'group', 'string')
  if (message['type'] === 'seen') need(message, 'configEpoch', 'number')
  else if (message['type'] === 'look') need(message, 'token', 'string')
  else if (message['type'] === 'gate') checkGate(message)
  else {
    need(message, 'what', 'string')
    need(message, 'address', 'string')
    need(message, 'generation', 'number')
  }
  return message as unknown as ReaderMessage
}

type Fields = Readonly<Record<string, unknown>>

function decode(line: string, types: ReadonlySet<string>): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new ProxyError('FEED', `a line is no JSON: ${reasonOf(error)}`, { cause: error })
  }
  if (!isFields(value)) throw new ProxyError('FEED', 'a line is no JSON object')
  const { v, ...message } = value
  if (v !== FEED_VERSION) {
    throw new ProxyError('FEED', `version ${String(v)} is spoken, not ${String(FEED_VERSION)}`)
  }
  const type = message['type']
  if (typeof type !== 'string' || !types.has(type)) {
    throw new ProxyError('FEED', `no message of type ${String(type)} is known`)
  }
  return message
}

function checkFeed(message: Fields): void {
  switch (message['type']) {
    case 'snapshot':
    case 'switch':
    case 'view': {
      need(message, 'epochRestart', 'boolean')
      const view = message['view']
      if (!isFields(view)) throw new ProxyError('FEED', 'view is no object')
      need(view, 'group', 'string')
      need(view, 'configEpoch', 'number')
      need(view, 'version', 'number')
      checkMaster(view['master'])
      if (message['inForce'] !== undefined) checkInForce(message['inForce'])
      return
    }
    case 'hold':
      need(message, 'ttlMs', 'number')
      need(message, 'id', 'number')
      need(message, 'group', 'string')
      return
    case 'release':
      need(message, 'id', 'number')
      need(message, 'group', 'string')
      return
    case 'looked':
      need(message, 'token', 'string')
      need(message, 'group', 'string')
      return
    default:
      if (!isFields(message['ages'])) throw new ProxyError('FEED', 'ages is no object')
  }
}

function checkGate(message: Fields): void {
  need(message, 'pid', 'number')
  need(message, 'worker', 'number')
  need(message, 'state', 'string')
  need(message, 'inFlight', 'number')
  checkIds(message)
}

function checkInForce(inForce: unknown): void {
  if (!isFields(inForce)) throw new ProxyError('FEED', 'inForce is no object')
  need(inForce, 'instance', 'string')
  checkIds(inForce)
}

function checkIds({ holds }: Fields): void {
  if (!Array.isArray(holds) || holds.some((id) => typeof id !== 'number')) {
    throw new ProxyError('FEED', 'holds is no list of numbers')
  }
}

function checkMaster(master: unknown): void {
  if (master === null) return
  if (!isFields(master)) throw new ProxyError('FEED', 'master is no address')
  need(master, 'host', 'string')
  need(master, 'port', 'number')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function need(fields: Fields, name: string, type: 'string' | 'number' | 'boolean'): void {
  if (typeof fields[name] !== type) {
    throw new ProxyError('FEED', `${name} is ${typeof fields[name]}, not ${type}`)
  }
}
