import { addressKey, ownAddresses } from './base/address.ts'
import { systemClock } from './base/clock.ts'
import { dnsQuestion } from './config/directory.ts'
import type { Config, GroupConfig } from './config/schema.ts'
import { tlsOf } from './config/tls.ts'
import { consulProvider } from './discovery/consul-provider.ts'
import { dnsProvider } from './discovery/dns-provider.ts'
import { staticProvider } from './discovery/providers.ts'
import type { SentinelProvider } from './discovery/providers.ts'
import { groupActions } from './group-actions.ts'
import type { GroupOptions, Monitor } from './monitor.ts'
import { startMonitor } from './monitor.ts'
import { startProxyd } from './proxyd.ts'
import type { Part, PartDeps, Parts } from './supervisor/part.ts'
import { ControlPlaneCounters } from './telemetry/counters.ts'
import type { Evidence } from './topology/evidence.ts'

/** The data plane and the control plane as parts of a process tree. */
export const parts: Parts = { proxyd: proxydPart, monitor: monitorPart }

async function proxydPart(config: Config, deps: PartDeps): Promise<Part> {
  const proxyd = await startProxyd(config, { ...deps, clock: systemClock })
  return {
    state: () => proxyd.state(),
    notReady: () => proxyd.notReady(),
    counters: () => ({ data: proxyd.count(), control: null }),
    actions: {},
    close: () => proxyd.close(),
  }
}

/** Under which label each kind of evidence is counted; null: it is no observation. */
const evidenceLabels: Record<Evidence['kind'], keyof ControlPlaneCounters['evidence'] | null> = {
  event: 'event',
  poll: 'poll',
  hello: 'hello',
  role: 'role',
  'role-failed': 'role-failed',
  lost: 'lost',
  configured: 'directory',
  seen: 'reader',
  tick: null,
}

async function monitorPart(config: Config, deps: PartDeps): Promise<Part> {
  const control = new ControlPlaneCounters()
  const monitor = await startMonitor(
    {
      groups: config.groups.map(groupOptions),
      feedPath: deps.feedPath,
      pollIntervalMs: config.pollInterval,
    },
    {
      clock: systemClock,
      log: deps.log,
      onEvidence: (_group, { kind }) => {
        const label = evidenceLabels[kind]
        if (label !== null) control.evidence[label]++
      },
      onMessage: deps.changed,
    },
  )
  return {
    state: () => monitor.describe(),
    notReady: () => whyNotReady(monitor, config),
    counters: () => {
      countViews(monitor, config, control)
      return { data: null, control }
    },
    actions: groupActions(config, monitor),
    close: () => monitor.close(),
  }
}

function whyNotReady(monitor: Monitor, config: Config): string | null {
  const lost = config.groups.filter(({ masterName }) => monitor.view(masterName).master === null)
  return lost.length === 0
    ? null
    : `no master is known yet of ${lost.map(({ masterName }) => masterName).join(', ')}`
}

/** Brings the gauges up to date: the sums over all groups, the worst age. */
function countViews(monitor: Monitor, config: Config, control: ControlPlaneCounters): void {
  const described = monitor.describe() as {
    readonly groups: Readonly<Record<string, { readonly ageMs: number | null }>>
  }
  Object.assign(control.sentinels, { ok: 0, stale: 0, tilt: 0, unreachable: 0 })
  control.configEpoch = 0
  control.discoveryAgeSeconds = 0
  for (const { masterName } of config.groups) {
    const view = monitor.view(masterName)
    for (const sentinel of view.sentinels) control.sentinels[sentinel.state]++
    const ageSeconds = (described.groups[masterName]?.ageMs ?? 0) / 1000
    control.configEpoch = Math.max(control.configEpoch, view.configEpoch)
    control.discoveryAgeSeconds = Math.max(control.discoveryAgeSeconds, ageSeconds)
  }
}

function groupOptions(group: GroupConfig): GroupOptions {
  const sentinelAuth = credentials(group.sentinelUser, group.sentinelPassword)
  const nodeAuth = credentials(group.upstreamUser, group.upstreamPassword)
  const sentinelTls = tlsOf(group, 'sentinel')
  const nodeTls = tlsOf(group, 'upstream')
  return {
    name: group.masterName,
    provider: providerOf(group),
    providerIntervalMs: group.discoveryInterval,
    forbidden: group.listen.flatMap((listen) =>
      listen.kind === 'tcp' ? ownAddresses({ host: listen.host, port: listen.port }) : [],
    ),
    addressMap: new Map(group.addressMap.map(({ from, to }) => [addressKey(from), to])),
    ...(sentinelAuth === null ? {} : { sentinelAuth }),
    ...(nodeAuth === null ? {} : { nodeAuth }),
    ...(sentinelTls === null ? {} : { sentinelTls }),
    ...(nodeTls === null ? {} : { nodeTls }),
  }
}

/** For one look-up in a directory. */
const lookUpMs = 5_000

function providerOf(group: GroupConfig): SentinelProvider {
  const service = group.discoveryService ?? ''
  const question = dnsQuestion(service)
  if (group.discovery === 'dns' && question !== null) {
    return dnsProvider({ question, servers: group.discoveryServers, timeoutMs: lookUpMs })
  }
  if (group.discovery === 'consul') {
    const { discoveryUrl: url, discoveryToken: token } = group
    return consulProvider({ url, service, token, timeoutMs: lookUpMs })
  }
  return staticProvider(group.sentinels)
}

function credentials(
  username: string | null,
  password: string | null,
): { password: string; username?: string } | null {
  if (password === null) return null
  return username === null ? { password } : { username, password }
}
