import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import { ProxyError } from '../../../src/base/errors.ts'
import type { GateReport } from '../../../src/feed/messages.ts'
import type { NodeState } from '../../../src/switchover/fitness.ts'
import { Switchover } from '../../../src/switchover/switchover.ts'
import type { SwitchoverDeps, SwitchoverReport } from '../../../src/switchover/switchover.ts'
import type { SentinelWord } from '../../../src/switchover/witnesses.ts'
import { emptyView } from '../../../src/topology/view.ts'
import type { View } from '../../../src/topology/view.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

function at(port: number): Address {
  const address = parseAddress(`10.0.0.1:${port}`)
  if (address === null) throw new Error('no address')
  return address
}

const info = { runId: null, flags: 'slave', linkUp: true, priority: 100, offset: 0 }
const well = { isAsked: true, replId: 'aa', offset: 100, linkUp: true } as const

/** A group, its sentinels and one data plane, as far as a switchover sees them. */
class Stage {
  readonly clock = new VirtualClock()
  readonly steps: string[] = []
  view: View = {
    ...emptyView('mm'),
    ...{ master: at(1), runId: 'run', configEpoch: 4 },
    sentinels: [{ address: at(11), runId: null, state: 'ok', lastSeenMs: 0 }],
  }
  isFailingOver = false
  plane: GateReport | null = {
    ...{ group: 'mm', pid: 7, worker: 0, state: 'open', holds: [], inFlight: 0 },
    upstream: '10.0.0.1:1',
  }
  /** What the plane does when it is told to hold. */
  onHold: () => void = () => this.planeIs({ state: 'holding', holds: [-1] })
  word: SentinelWord = {
    ...{ sentinel: at(11), objection: null },
    promotable: [2, 3].map((port) => ({ ...info, address: at(port) })),
  }
  readonly nodes = new Map<number, NodeState>([
    [1, { ...well, role: 'master', runId: 'run' }],
    [2, { ...well, role: 'slave', runId: 'b' }],
    [3, { ...well, role: 'slave', runId: 'c' }],
  ])
  onFailover: () => void = () => this.switchTo(2)

  planeIs(more: Partial<GateReport>): void {
    if (this.plane !== null) this.plane = { ...this.plane, ...more }
  }

  switchTo(port: number): void {
    this.view = { ...this.view, master: at(port), configEpoch: 5 }
    this.planeIs({ state: 'open', holds: [], upstream: `10.0.0.1:${port}` })
  }

  /** The report of a switchover, or why it was refused. */
  async run(ms = 2_000): Promise<SwitchoverReport | string> {
    const deps: SwitchoverDeps = {
      clock: this.clock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      view: () => this.view,
      isFailingOver: () => this.isFailingOver,
      planes: () => (this.plane === null ? [] : [this.plane]),
      hold: (ttlMs) => {
        this.steps.push(`hold ${ttlMs}`)
        this.onHold()
        return { id: -1, reason: 'switchover', expiresAt: 0 }
      },
      release: () => this.steps.push('release'),
      witnesses: {
        sentinel: async () => this.word,
        node: async ({ port }) => this.nodes.get(port) ?? { isAsked: false, reason: 'refused' },
        failOver: async () => {
          this.steps.push('SENTINEL FAILOVER')
          this.onFailover()
        },
      },
    }
    let outcome: SwitchoverReport | string = 'it never ended'
    const run = new Switchover(1_000, deps).run().then(
      (report) => (outcome = report),
      (error: unknown) => (outcome = error instanceof ProxyError ? error.message : String(error)),
    )
    await this.clock.pass(ms)
    expect(outcome).not.toBe('it never ended')
    await run
    return outcome
  }
}

describe('a switchover', () => {
  test('holds, asks one sentinel, and is done when the gates are open to the new master', async () => {
    const stage = new Stage()
    expect(await stage.run()).toMatchObject({
      ...{ from: '10.0.0.1:1', to: '10.0.0.1:2', configEpoch: 5, offset: 100 },
      ...{ dataPlanes: 1, late: [] },
    })
    expect(stage.steps).toEqual(['hold 2000', 'SENTINEL FAILOVER'])
  })

  test('waits for what is on the wire and for replicas that are behind', async () => {
    const stage = new Stage()
    stage.onHold = () => {
      stage.planeIs({ state: 'holding', holds: [-1], inFlight: 3 })
      stage.clock.after(200, () => stage.planeIs({ inFlight: 0 }))
    }
    stage.nodes.set(3, { ...well, role: 'slave', runId: 'c', offset: 99 })
    stage.clock.after(400, () => stage.nodes.set(3, { ...well, role: 'slave', runId: 'c' }))
    const report = await stage.run()
    expect(report).toMatchObject({ to: '10.0.0.1:2' })
    if (typeof report === 'string') return
    expect(report.ms.atRest).toBeGreaterThanOrEqual(200)
    expect(report.ms.inStep).toBeGreaterThanOrEqual(400)
  })

  test('names the data planes that do not serve yet', async () => {
    const stage = new Stage()
    stage.onFailover = () => {
      stage.switchTo(2)
      stage.planeIs({ state: 'holding' })
    }
    expect(await stage.run()).toMatchObject({ late: ['worker 0 (pid 7): holding'] })
  })

  test('a sentinel that does not answer may have heard: the switch is waited for', async () => {
    const stage = new Stage()
    stage.onFailover = () => {
      stage.clock.after(300, () => stage.switchTo(3))
      throw new ProxyError('LINK_LOST', 'Command timed out')
    }
    expect(await stage.run()).toMatchObject({ to: '10.0.0.1:3' })
  })
})

describe('a switchover is refused before anybody holds', () => {
  test.each<[RegExp, (stage: Stage) => void]>([
    [/no master of mm is known/, (stage) => (stage.view = { ...stage.view, master: null })],
    [/a failover of mm is under way/, (stage) => (stage.isFailingOver = true)],
    [/no data plane is connected/, (stage) => (stage.plane = null)],
    [/no sentinel is well/, (stage) => (stage.view = { ...stage.view, sentinels: [] })],
    [/11: names another/, (stage) => (stage.word = { ...stage.word, objection: 'names another' })],
    [/knows no replica fit/, (stage) => (stage.word = { ...stage.word, promotable: [] })],
  ])('%s', async (reason, prepare) => {
    const stage = new Stage()
    prepare(stage)
    expect(await stage.run()).toMatch(reason)
    expect(stage.steps).toEqual([])
  })
})

describe('a switchover is given up, and the hold with it', () => {
  test.each<[RegExp, (stage: Stage) => void]>([
    [/within 1000 ms: worker 0 .* has not said that it holds/, (s) => (s.onHold = () => undefined)],
    [
      /within 1000 ms: worker 0 .* 2 commands on the wire/,
      (s) => (s.onHold = () => s.planeIs({ state: 'holding', holds: [-1], inFlight: 2 })),
    ],
    [/the master cannot be asked: refused/, (s) => s.nodes.delete(1)],
    [
      /the master says that it is a slave/,
      (s) => s.nodes.set(1, { ...well, role: 'slave', runId: 'run' }),
    ],
    [/was restarted/, (s) => s.nodes.set(1, { ...well, role: 'master', runId: 'other' })],
    [/within 1000 ms: 10.0.0.1:3 cannot be asked/, (s) => s.nodes.delete(3)],
    [
      /within 1000 ms: 10.0.0.1:2 is 60 bytes behind/,
      (s) => s.nodes.set(2, { ...well, role: 'slave', runId: 'b', offset: 40 }),
    ],
  ])('%s', async (reason, prepare) => {
    const stage = new Stage()
    prepare(stage)
    expect(await stage.run()).toMatch(reason)
    expect(stage.steps).toEqual(['hold 2000', 'release'])
  })

  test.each<[RegExp, (stage: Stage) => void]>([
    [
      /NOGOODSLAVE/,
      () => {
        throw new ProxyError('REFUSED', '10.0.0.1:11: NOGOODSLAVE No suitable replica')
      },
    ],
    [
      /within 1000 ms: the sentinel accepted, but no new master/,
      (stage) => (stage.isFailingOver = true),
    ],
  ])('at the last step: %s', async (reason, onFailover) => {
    const stage = new Stage()
    stage.onFailover = () => onFailover(stage)
    expect(await stage.run()).toMatch(reason)
    expect(stage.steps).toEqual(['hold 2000', 'SENTINEL FAILOVER', 'release'])
  })
})
