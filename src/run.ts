import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminServer } from './admin/admin-server.ts'
import { startAdminServer } from './admin/admin-server.ts'
import type { AdminSource } from './admin/admin-source.ts'
import { onShutdown } from './base/shutdown.ts'
import { removeStaleSocket } from './base/stale-socket.ts'
import { ConfigError } from './config/problems.ts'
import { feedPathOf, prepareFolder } from './config/run-folder.ts'
import type { Config } from './config/schema.ts'
import { listenText } from './config/values.ts'
import { startEmbeddedGroup } from './embedded/embedded-group.ts'
import { supervise, workerCount } from './supervisor.ts'
import { aloneSource } from './supervisor/alone.ts'
import type { PartName, Parts } from './supervisor/part.ts'
import type { Logger } from './telemetry/logger.ts'
import { createLogger } from './telemetry/logger.ts'

/** What the verbs that run for long are given. */
export interface RunContext {
  readonly config: Config
  readonly parts: Parts
  readonly program: string
  readonly version: string
}

/** The time beside `shutdownTimeout` in which servers are ended and folders removed. */
const tidyUpMs = 3000

/** The logger of a process, as configured. */
export function loggerFor(config: Config, part: string): Logger {
  const wanted = config.logPretty
  const pretty = wanted === 'auto' ? process.stdout.isTTY : wanted === 'true'
  return createLogger({ level: config.logLevel, pretty, part })
}

/** What must be undone at the end, newest first. */
class Undo {
  readonly #steps: (() => Promise<void> | void)[] = []

  add(step: () => Promise<void> | void): void {
    this.#steps.unshift(step)
  }

  async all(): Promise<void> {
    for (const step of this.#steps.splice(0)) await step()
  }
}

/** `up`: monitor and workers; without sentinels also a group of our own. */
export async function runUp(context: RunContext): Promise<void> {
  const log = loggerFor(context.config, 'up')
  const undo = new Undo()
  shutDownWith(undo, context.config, log)
  log.info({ version: context.version }, 'switchmaster is starting')
  try {
    const config = await withSentinels(context.config, undo, log)
    const feedPath = config.feed === 'auto' ? temporaryFeed(undo) : config.feed
    await runSupervisor({ ...context, config }, ['monitor', 'proxyd'], feedPath, undo, log)
  } catch (error) {
    await undo.all()
    throw error
  }
}

/** `proxyd`: the data plane alone; a supervisor is needed for several workers only. */
export async function runProxyd(context: RunContext): Promise<void> {
  const { config } = context
  if (workerCount(config.workers) === 1) {
    await runAlone('proxyd', context)
    return
  }
  const log = loggerFor(config, 'proxyd')
  const undo = new Undo()
  shutDownWith(undo, config, log)
  try {
    await runSupervisor(context, ['proxyd'], feedPathOf(config, process.env), undo, log)
  } catch (error) {
    await undo.all()
    throw error
  }
}

/** `monitor`: the control plane alone. */
export async function runMonitor(context: RunContext): Promise<void> {
  requireSentinels(context.config)
  await runAlone('monitor', context)
}

async function runAlone(name: PartName, context: RunContext): Promise<void> {
  const { config } = context
  const log = loggerFor(config, name)
  const undo = new Undo()
  shutDownWith(undo, config, log)
  const feedPath = feedPathOf(config, process.env)
  prepareFolder(feedPath)
  let admin: AdminServer | null = null
  let wasReady = false
  try {
    if (name === 'proxyd') await clearListenSockets(config)
    const part = await context.parts[name](config, {
      log,
      feedPath,
      worker: 0,
      workers: 1,
      changed: () => {
        admin?.changed()
        if (!wasReady && name === 'proxyd') wasReady = sayWhenReady(part.notReady(), config, log)
      },
    })
    undo.add(() => part.close())
    admin = await openAdmin(config, aloneSource(name, part, context.version), log, undo)
    if (name === 'proxyd') wasReady ||= sayWhenReady(part.notReady(), config, log)
  } catch (error) {
    await undo.all()
    throw error
  }
}

async function runSupervisor(
  context: RunContext,
  parts: readonly PartName[],
  feedPath: string,
  undo: Undo,
  log: Logger,
): Promise<void> {
  const { config } = context
  prepareFolder(feedPath)
  await clearListenSockets(config)
  let admin: AdminServer | null = null
  const supervisor = await supervise({
    ...context,
    parts,
    feedPath,
    log,
    onReady: () => sayWhenReady(null, config, log),
    onChange: () => admin?.changed(),
  })
  undo.add(() => supervisor.close())
  admin = await openAdmin(config, supervisor.admin, log, undo)
}

/**
 * Once, before the data plane begins: all workers share the socket of their supervisor, so one that is
 * started again finds a living one at its path, which is its own.
 */
async function clearListenSockets(config: Config): Promise<void> {
  for (const listen of config.groups.flatMap((group) => group.listen)) {
    if (listen.kind === 'unix') await removeStaleSocket(listen.path)
  }
}

async function openAdmin(
  config: Config,
  source: AdminSource,
  log: Logger,
  undo: Undo,
): Promise<AdminServer | null> {
  if (config.admin === 'off') return null
  const { admin } = config
  const listen = admin.kind === 'unix' ? { path: admin.path } : admin
  const server = await startAdminServer({ listen, token: config.adminToken, log }, source)
  undo.add(() => server.close())
  return server
}

function shutDownWith(undo: Undo, config: Config, log: Logger): void {
  onShutdown({
    close: async () => {
      await undo.all()
      log.info({}, 'ended')
    },
    deadlineMs: config.shutdownTimeout + tidyUpMs,
    onBegin: (signal) => {
      log.info({ signal }, 'ending: commands in flight are finished; once more ends at once')
    },
  })
}

/** Tells people the one command that shows it works. */
function sayWhenReady(reason: string | null, config: Config, log: Logger): boolean {
  if (reason !== null) return false
  for (const listen of config.groups.flatMap((group) => group.listen)) {
    const isAny = listen.kind === 'tcp' && /^(0\.0\.0\.0|::)$/.test(listen.host)
    const command =
      listen.kind === 'unix'
        ? `redis-cli -s ${listen.path}`
        : `redis-cli -h ${isAny ? '127.0.0.1' : listen.host} -p ${listen.port}`
    log.info({ listen: listenText(listen) }, `ready: ${command}`)
  }
  return true
}

function temporaryFeed(undo: Undo): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-run-'))
  undo.add(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return join(folder, 'feed.sock')
}

function lacksSentinels(config: Config): boolean {
  return config.groups.some(
    ({ sentinels, discovery }) => sentinels.length === 0 && discovery === 'static',
  )
}

function requireSentinels(config: Config): void {
  if (!lacksSentinels(config)) return
  throw new ConfigError(['sentinels: none are given; allowed: host:port, several with commas'])
}

/** The configuration itself where it names sentinels, else one that names those of a new group. */
async function withSentinels(config: Config, undo: Undo, log: Logger): Promise<Config> {
  const [group] = config.groups
  if (!lacksSentinels(config) || group === undefined) return config
  if (!config.embedded || config.groups.length > 1) requireSentinels(config)
  log.warn(
    { masterName: group.masterName },
    'NO SENTINELS ARE CONFIGURED: starting an embedded group for a first look. ' +
      'All its data is thrown away at the end; give --sentinels for a real one',
  )
  const { masterName, upstreamPassword } = group
  const password = upstreamPassword === null ? {} : { password: upstreamPassword }
  const embedded = await startEmbeddedGroup({ masterName, ...password, log })
  undo.add(() => embedded.close())
  return { ...config, groups: [{ ...group, sentinels: embedded.sentinels }] }
}
