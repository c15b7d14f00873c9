import { afterEach, expect } from 'vitest'

import type { FailoverOptions, FailoverStage } from './failover-suite.ts'
import { watchLeaks } from './leaks.ts'
import { Ledger, summary } from './ledger/ledger.ts'
import type { LedgerOptions, LedgerReport } from './ledger/ledger.ts'
import { Proxy } from './proxy.ts'
import { testRandom } from './random.ts'
import { SentinelGroup, startSentinelGroup } from './sentinel-group.ts'
import { Target, showLogsOnFailure } from './target.ts'
import { until } from './until.ts'

/** A group of its own for one test, with the product in front of it. */
export interface ChaosStage extends FailoverStage {
  readonly proxy: Proxy
}

export interface ChaosOptions extends Omit<FailoverOptions, 'group'> {
  /** A group that the test has started; else one is started with `groupOptions`. */
  readonly group?: SentinelGroup
  readonly groupOptions?: FailoverOptions['group']
  /** `--sentinels`; those of the group unless told. */
  readonly sentinels?: string
  /** False: the product is not waited for. */
  readonly ready?: boolean
}

/** For the tests of one file: opens a stage; all that a test has opened is closed after it. */
export function chaosStages(): {
  readonly open: (options?: ChaosOptions) => Promise<ChaosStage>
  /** Has something else stopped after the test: the last one first. */
  readonly own: <T extends { stop(): Promise<unknown> }>(item: T) => T
} {
  const owned: { stop(): Promise<unknown> }[] = []
  let target: Target | undefined
  const own = <T extends { stop(): Promise<unknown> }>(item: T): T => {
    owned.push(item)
    return item
  }
  watchLeaks()
  showLogsOnFailure(() => target)
  afterEach(async () => {
    for (const item of owned.splice(0).reverse()) await item.stop()
  }, 30_000)
  return {
    own,
    open: async ({ group: given, groupOptions, sentinels, ...options } = {}) => {
      const group = given ?? own(await startSentinelGroup(groupOptions))
      const names = { sentinels: sentinels ?? group.sentinelList, masterName: group.name }
      const proxy = await Proxy.start({ ...options, ...names })
      target = own(new Target('proxy', proxy.port, proxy))
      const stage = { group, target, proxy }
      if (options.ready !== false) await hearsAll(stage, group.sentinels.length)
      return stage
    },
  }
}

/** Fifty connections: enough that whatever can be in flight is, few enough for two cores. */
const CROWD: LedgerOptions['clients'] = {
  setGet: 10,
  incr: 10,
  pipeline: 5,
  multi: 5,
  lua: 5,
  list: 4,
  channel: 4,
}

/** Most writes that the crowd can have on the wire: five in a pipeline, one in any other client. */
export const CROWD_WRITES = 5 * 5 + 10 + 10 + 5 + 5 + 4 * 2 + 4

/** A load of fifty connections through the product; `name` names its seed. */
function crowd(stage: ChaosStage, name: string, more: LedgerOptions['clients']): Ledger {
  return new Ledger({
    port: stage.target.port,
    clients: { ...CROWD, ...more },
    random: testRandom(name),
    thinkMs: 20,
  })
}

/**
 * Runs `act` under the load of a crowd and reads the books afterwards at the surviving master.
 * (of the group that `act` gives, else of the stage's). `more` has other numbers of some kinds of clients.
 */
export async function underLoad(
  stage: ChaosStage,
  name: string,
  act: (ledger: Ledger) => Promise<unknown>,
  more: LedgerOptions['clients'] = {},
): Promise<LedgerReport> {
  const ledger = crowd(stage, name, more)
  try {
    await ledger.start()
    await ledger.progress(500)
    const given = await act(ledger)
    const group = given instanceof SentinelGroup ? given : stage.group
    await ledger.progress(1_000)
    await ledger.drain()
    const report = await ledger.audit(group.knownMaster.port)
    console.info(summary(report))
    return report
  } finally {
    ledger.leave()
  }
}

/** What holds in every scenario, whatever the servers do. */
export function expectSound(report: LedgerReport): void {
  expect(report.dropped).toEqual([])
  expect(report.unanswered).toEqual([])
  expect(report.wrongOwner).toEqual([])
  expect(report.torn).toEqual([])
  expect(report.impossible).toEqual([])
  expect(report.duplicated).toEqual([])
  expect(report.executedAfterLeaving).toBe(0)
  expect(report.errors).toEqual({})
  expect(report.readsInDoubt).toBe(0)
  expect(report.inDoubt).toBeLessThanOrEqual(CROWD_WRITES)
  expect(report.lostAfterSwitch).toEqual([])
}

/** As `expectSound`, and nobody has noticed anything but slowness. */
export function expectUnharmed(report: LedgerReport): void {
  expectSound(report)
  expect(report.refused).toBe(0)
  expect(report.inDoubt).toBe(0)
  expect(report.lost).toEqual([])
}

/** What /state tells of the one group, from the monitor and from the first data plane. */
export interface GroupState {
  readonly view: {
    readonly master: { readonly host: string; readonly port: number } | null
    readonly configEpoch: number
    readonly epochRestart: boolean
    readonly why: string
    readonly sentinels: readonly {
      readonly address: { readonly host: string; readonly port: number }
      readonly state: string
    }[]
  }
  readonly ageMs: number | null
  readonly alarms: readonly string[]
  readonly subscribed: readonly string[]
  readonly gate: { readonly name: string; readonly reason: string | null }
  readonly upstream: string | null
  readonly generation: number
}

export async function groupState({ proxy, group }: ChaosStage): Promise<GroupState> {
  const { monitor, workers } = (await proxy.state()) as {
    monitor: { groups: Record<string, Omit<GroupState, 'gate' | 'upstream' | 'generation'>> }
    workers: readonly {
      groups: Record<string, Pick<GroupState, 'gate' | 'upstream' | 'generation'>>
    }[]
  }
  const control = monitor.groups[group.name]
  const data = workers[0]?.groups[group.name]
  if (control === undefined || data === undefined) throw new Error('/state is not complete yet')
  const { gate, upstream, generation } = data
  return { ...control, gate, upstream, generation }
}

/** Waits until /state is as wanted, and gives it. */
export function stateWhere(
  stage: ChaosStage,
  what: string,
  wanted: (state: GroupState) => boolean,
  withinMs = 10_000,
): Promise<GroupState> {
  const look = async (): Promise<GroupState | false> => {
    const state = await groupState(stage)
    if (wanted(state)) return state
    throw new Error(JSON.stringify(state).slice(0, 4_000))
  }
  return until(look, { within: withinMs, every: 50, what })
}

/**
 * Waits until the product listens to so many sentinels. A failover that one of them begins before it is
 * heard is held late: what the old master acknowledges until then is lost.
 */
export function hearsAll(stage: ChaosStage, sentinels: number): Promise<GroupState> {
  const what = 'all sentinels to be listened to'
  return stateWhere(stage, what, ({ subscribed, view }) => {
    const isWell = view.sentinels.filter(({ state }) => state !== 'unreachable').length >= sentinels
    return subscribed.length >= sentinels && isWell
  })
}

/** Waits until the log has a line with all these words, and expects no second one. */
export async function toldOnce(stage: ChaosStage, ...words: readonly string[]): Promise<string> {
  const lines = (): string[] => logLines(stage, ...words)
  const what = `the log to say: ${words.join(' … ')}`
  await until(() => lines().length > 0, { within: 10_000, what })
  expect(lines()).toHaveLength(1)
  return lines()[0] ?? ''
}

/** The lines of the product's log that contain all these words. */
export function logLines({ proxy }: ChaosStage, ...words: readonly string[]): string[] {
  const lines = proxy.logs().split('\n')
  return lines.filter((line) => words.every((word) => line.includes(word)))
}

/** /readyz: its status and its words. */
export async function readiness({
  proxy,
}: ChaosStage): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${proxy.adminPort}/readyz`, {
    signal: AbortSignal.timeout(5_000),
    headers: { connection: 'close' },
  })
  return { status: response.status, text: await response.text() }
}
