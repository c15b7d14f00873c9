import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { addressKey, ownAddresses, type Address } from './base/address.ts'
import { systemClock } from './base/clock.ts'
import { ProxyError } from './base/errors.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import type { ListenAddress } from './config/values.ts'
import type { Credentials } from './discovery/redis-link.ts'
import { startMonitor, type GroupOptions } from './monitor.ts'
import { startProxyd } from './proxyd.ts'
import type { Part, PartDeps, Parts } from './supervisor/part.ts'
import { workerCount } from './supervisor.ts'
import { ControlPlaneCounters } from './telemetry/counters.ts'

/** How the two processes are made from a configuration. */
export const parts: Parts = { monitor, proxyd }

/** Client ids of several workers never meet: each counts in steps of this. */
const idStep = 64

async function proxyd(config: Config, deps: PartDeps): Promise<Part> {
  const workers = workerCount(config.workers) === 1 ? 1 : idStep
  const running = await startProxyd(config, {
    log: deps.log,
    clock: systemClock,
    feedPath: feedPathOf(deps.feed),
    worker: workers === 1 ? 0 : (cluster.worker?.id ?? 0) % idStep,
    workers,
    changed: deps.changed,
  })
  return {
    state: () => running.state(),
    notReady: () => running.notReady(),
    get data() {
      return running.count()
    },
    control: null,
    actions: {},
    close: () => running.close(),
  }
}

async function monitor(config: Config, deps: PartDeps): Promise<Part> {
  const counters = new ControlPlaneCounters()
  const running = await startMonitor(
    {
      groups: config.groups.map((group) => groupOptions(config, group)),
      feedPath: feedPathOf(deps.feed),
      pollIntervalMs: config.pollInterval,
    },
    {
      log: deps.log,
      clock: systemClock,
      onEvidence: (_group, { kind }) => {
        if (kind === 'event' || kind === 'poll' || kind === 'hello') counters.evidence[kind]++
        if (kind === 'role' || kind === 'role-failed') counters.evidence.role++
        if (kind === 'configured') counters.evidence.directory++
      },
      onMessage: (message) => {
        if (message.type !== 'heartbeat') deps.changed()
      },
    },
  )
  const names = config.groups.map((group) => group.masterName)
  return {
    state: () => running.describe(),
    notReady: () =>
      names.every((name) => running.view(name).master !== null) ? null : 'no master is known yet',
    data: null,
    get control() {
      for (const key of Object.keys(counters.sentinels) as (keyof typeof counters.sentinels)[]) {
        counters.sentinels[key] = 0
      }
      for (const name of names) {
        const view = running.view(name)
        for (const { state } of view.sentinels) counters.sentinels[state]++
        counters.configEpoch = Math.max(counters.configEpoch, view.configEpoch)
      }
      counters.discoveryAgeSeconds = Math.max(...names.map((name) => running.ageMs(name) ?? 0)) / 1000
      return counters
    },
    actions: {},
    close: () => running.close(),
  }
}

function feedPathOf(feed: ListenAddress): string {
  if (feed.kind === 'unix') return feed.path
  throw new ProxyError('CONFIG', `feed: ${feed.host}:${String(feed.port)} is not allowed; allowed: unix:/path`)
}

function groupOptions(config: Config, group: GroupConfig): GroupOptions {
  const forbidden = config.groups
    .flatMap(({ listen }) => listen)
    .flatMap((listen) => (listen.kind === 'tcp' ? ownAddresses(listen) : []))
  const addressMap = new Map<string, Address>(
    group.addressMap.map(({ from, to }) => [addressKey(from), to]),
  )
  const sentinelAuth = credentials(group.sentinelUser, group.sentinelPassword)
  const nodeAuth = credentials(group.upstreamUser, group.upstreamPassword)
  return {
    name: group.masterName,
    sentinels: group.sentinels,
    forbidden,
    addressMap,
    ...(sentinelAuth === null ? {} : { sentinelAuth }),
    ...(nodeAuth === null ? {} : { nodeAuth }),
    ...(group.sentinelTls ? { sentinelTls: tlsOptions(group, 'sentinel') } : {}),
    ...(group.upstreamTls ? { nodeTls: tlsOptions(group, 'upstream') } : {}),
  }
}

function credentials(username: string | null, password: string | null): Credentials | null {
  if (password === null) return null
  return username === null ? { password } : { username, password }
}

function tlsOptions(group: GroupConfig, side: 'upstream' | 'sentinel'): ConnectionOptions {
  const options: ConnectionOptions = {}
  const ca = group[`${side}TlsCa`]
  const cert = group[`${side}TlsCert`]
  const key = group[`${side}TlsKey`]
  const servername = group[`${side}TlsServername`]
  if (ca !== null) options.ca = readFileSync(ca)
  if (cert !== null) options.cert = readFileSync(cert)
  if (key !== null) options.key = readFileSync(key)
  if (servername !== null) options.servername = servername
  return options
}
