import type { Clock } from './base/clock.ts'
import type { Config } from './config/schema.ts'
import { FeedClient } from './feed/feed-client.ts'
import type { FeedClientHooks } from './feed/feed-client.ts'
import { GateReporter } from './feed/gate-reporter.ts'
import type { GateReport, SymptomKind } from './feed/messages.ts'
import { StallWatch } from './base/stall-watch.ts'
import { GroupProxy, type ReportSymptom } from './group-proxy.ts'
import { DataPlaneCounters } from './telemetry/counters.ts'
import type { Logger } from './telemetry/logger.ts'

/** What a data plane needs from its process. */
export interface ProxydDeps {
  readonly log: Logger
  readonly clock: Clock
  /** Path of the monitor's unix socket. */
  readonly feedPath: string
  /** 0 for the first worker; keeps client ids of several workers apart. */
  readonly worker: number
  readonly workers: number
  /** Called when `state` or `notReady` says something new. */
  readonly changed: () => void
}

/** A running data plane. */
export interface Proxyd {
  /** The counters, with the gauges brought up to date. */
  count(): DataPlaneCounters
  /** The ports clients may connect to, of all groups. */
  readonly ports: readonly number[]
  /** Everything that explains what it does, as plain data. */
  state(): object
  /** Why it is not ready, or null when it is. */
  notReady(): string | null
  /** Graceful: no new clients, what is in flight is answered, then everything is closed. */
  close(): Promise<void>
}

/** Starts the data plane; resolves when every group's addresses accept clients. */
export async function startProxyd(config: Config, deps: ProxydDeps): Promise<Proxyd> {
  const counters = new DataPlaneCounters()
  const groups = new Map<string, GroupProxy>()
  const reporters = new Map<string, GateReporter>()
  const stalls = new StallWatch(deps.clock, (ms) => {
    deps.log.warn({ ms: Math.round(ms) }, 'this process stood still; commands wait for the monitor')
    for (const group of groups.values()) group.stall.stalled()
  })
  const beforeRead = (): void => {
    stalls.look()
  }
  for (const group of config.groups) {
    const report: ReportSymptom = (what, address, generation) => {
      const kind: SymptomKind = what === 'unblocked' ? 'not-master' : what
      feed.send({ type: 'symptom', group: group.masterName, what: kind, address, generation })
    }
    const changed = (): void => {
      reporters.get(group.masterName)?.changed()
      deps.changed()
    }
    const askMonitor = (token: string): void => {
      feed.send({ type: 'look', group: group.masterName, token })
    }
    const ways = { report, askMonitor, beforeRead }
    const proxy = new GroupProxy(config, group, { ...deps, changed }, counters, ways)
    groups.set(group.masterName, proxy)
    const look = (): GateReport => ({
      ...proxy.gateReport(),
      group: group.masterName,
      pid: process.pid,
      worker: deps.worker,
    })
    const tell = (gate: GateReport): void => {
      feed.send({ type: 'gate', ...gate })
    }
    reporters.set(group.masterName, new GateReporter(look, tell, deps.clock))
  }
  const hooks = feedHooks(groups, reporters, deps.changed)
  const feed = new FeedClient({ path: deps.feedPath }, hooks, deps)
  const all = [...groups.values()]
  await Promise.all(all.map((group) => group.listener.open()))
  return {
    count() {
      const { upstreamLinks } = counters
      Object.assign(counters, { leases: 0, held: 0, heldBytes: 0, inFlight: 0 })
      Object.assign(upstreamLinks, { lane: 0, lease: 0, control: 0, probe: 0 })
      for (const group of all) group.count(counters)
      return counters
    },
    ports: all.flatMap((group) => group.listener.ports),
    state: () => ({
      feed: { state: feed.state, ageMs: feed.ageMs() },
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, group.state()])),
    }),
    notReady: () => all.map((group) => group.notReady()).find((why) => why !== null) ?? null,
    async close() {
      stalls.close()
      await Promise.all(all.map((group) => group.close()))
      for (const reporter of reporters.values()) reporter.close()
      feed.close()
    },
  }
}

/** What the feed says, to the group that it is about. */
function feedHooks(
  groups: ReadonlyMap<string, GroupProxy>,
  reporters: ReadonlyMap<string, GateReporter>,
  changed: () => void,
): FeedClientHooks {
  return {
    onView: (view) => groups.get(view.group)?.onView(view),
    onHold(group, { id, reason, ttlMs }) {
      const isPlanned = reason === 'operator' || reason === 'switchover'
      const why = isPlanned ? 'operator' : 'failover'
      groups.get(group)?.follower.hold(String(id), why, ttlMs)
      reporters.get(group)?.changed()
    },
    onRelease: (group, id) => groups.get(group)?.follower.release(String(id)),
    onLooked: (group, token) => groups.get(group)?.stall.looked(token),
    onState(state) {
      if (state === 'up') {
        for (const reporter of reporters.values()) reporter.begin()
        for (const group of groups.values()) group.stall.askAgain()
      } else for (const group of groups.values()) group.onFeedLost()
      changed()
    },
  }
}
