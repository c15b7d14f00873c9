import { staticProvider } from '../../src/discovery/providers.ts'
import type { FeedMessage } from '../../src/feed/messages.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Log } from '../../src/base/log.ts'
import { startMonitor } from '../../src/monitor.ts'
import type { GroupOptions, Monitor } from '../../src/monitor.ts'
import type { Evidence } from '../../src/topology/evidence.ts'
import { join } from 'node:path'
import { GROUP } from './monitor-group.ts'
import type { TestGroup } from './monitor-group.ts'

export interface Heard {
  readonly at: number
  readonly message: FeedMessage
}

export interface Seen {
  readonly at: number
  readonly evidence: Evidence
}

/** A monitor under watch: everything that it said and saw, with the time. */
export interface Recorded {
  readonly monitor: Monitor
  readonly feedPath: string
  readonly heard: Heard[]
  readonly seen: Seen[]
  readonly lines: string[]
}

let feeds = 0

export async function record(
  group: TestGroup,
  more: Partial<GroupOptions> = {},
): Promise<Recorded> {
  const heard: Heard[] = []
  const seen: Seen[] = []
  const lines: string[] = []
  const write = (fields: object, message: string): void => {
    lines.push(`${performance.now().toFixed(0)} ${message} ${JSON.stringify(fields)}`)
  }
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const feedPath = join(group.folder, `feed-${String(feeds++)}.sock`)
  const monitor = await startMonitor(
    {
      groups: [{ name: GROUP, provider: staticProvider(group.sentinelAddresses()), ...more }],
      feedPath,
    },
    {
      clock: systemClock,
      log,
      onMessage: (message) => heard.push({ at: performance.now(), message }),
      onEvidence: (_group, evidence) => seen.push({ at: performance.now(), evidence }),
    },
  )
  return { monitor, feedPath, heard, seen, lines }
}

/** When an event of this name was first seen from any sentinel after `since`. */
export function eventAt(recorded: Recorded, name: string, since: number): number | null {
  const found = recorded.seen.find(
    ({ at, evidence }) => at >= since && evidence.kind === 'event' && evidence.event.name === name,
  )
  return found?.at ?? null
}

export function messageAt(
  recorded: Recorded,
  type: FeedMessage['type'],
  since: number,
): number | null {
  return recorded.heard.find((item) => item.at >= since && item.message.type === type)?.at ?? null
}

export const silentLog: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

function quiet(): void {
  // Nobody reads it.
}
