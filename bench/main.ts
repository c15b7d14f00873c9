import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cells } from './cells.ts'
import { judge } from './goals.ts'
import { describeMachine } from './machine.ts'
import { extremes, type ExtremeResult } from './measures/extremes.ts'
import { runRounds } from './measures/rounds.ts'
import { readOptions, usage, type Options } from './options.ts'
import { writePage } from './report/page.ts'
import type { Results } from './results.ts'
import { startFloor, startTunnel } from './targets/floor.ts'
import { startOrigin } from './targets/origin.ts'
import { startMonitorProcess, startOurselves } from './targets/ourselves.ts'
import { startHaproxy, startTwemproxy } from './targets/peers.ts'
import { placement } from './targets/placement.ts'
import { Missing, type Origin, type Target, type TargetName } from './targets/target.ts'

/** `npm run bench`: starts everything, measures, writes the page. */

type Starter = () => Promise<Target>

/** They have no Redis behind them, or are no proxy: what they hold says nothing. */
const floors: readonly TargetName[] = ['floor', 'tunnel']

function startersOf(
  origin: Origin,
  feed: string,
  otherNode: string | null,
): Readonly<Record<TargetName, Starter>> {
  return {
    direct: async () => ({
      name: 'direct',
      port: origin.port,
      pid: null,
      stop: () => Promise.resolve(),
    }),
    haproxy: () => startHaproxy(origin),
    twemproxy: () => startTwemproxy(origin),
    multiplexed: () => startOurselves('multiplexed', origin, feed),
    dedicated: () => startOurselves('dedicated', origin, feed),
    otherNode: async () => {
      if (otherNode === null) throw new Missing('otherNode needs --other-node FILE')
      const target = await startOurselves('multiplexed', origin, feed, [], undefined, otherNode)
      return { ...target, name: 'otherNode' }
    },
    floor: startFloor,
    tunnel: () => startTunnel(origin),
  }
}

async function measure(options: Options): Promise<Results> {
  const matches = ({ name }: { readonly name: string }): boolean =>
    options.patterns.length === 0 || options.patterns.some((pattern) => name.includes(pattern))
  const origin = await startOrigin()
  const monitor = startMonitorProcess(origin)
  const starters = startersOf(origin, monitor.feed, options.otherNode)
  const running: Target[] = []
  const missing: string[] = []
  try {
    for (const name of options.targets) {
      try {
        running.push(await starters[name]())
      } catch (error) {
        if (!(error instanceof Missing)) throw error
        missing.push(error.message)
        console.log(`left out: ${error.message}`)
      }
    }
    const measured = await runRounds(cells.filter(matches), running, origin, options, console.log)
    const names = running.map((target) => target.name)
    for (const target of running.splice(0)) await target.stop()
    const found: ExtremeResult[] = []
    for (const extreme of extremes.filter(matches)) {
      for (const name of names.filter((each) => !floors.includes(each))) {
        const target = await starters[name]()
        running.push(target)
        const figures = await extreme.measure(target, origin)
        if (Object.keys(figures).length > 0) {
          found.push({ extreme: extreme.name, target: name, figures })
        }
        console.log(extreme.name.padEnd(24), name.padEnd(12), figures)
        await running.pop()?.stop()
      }
    }
    return {
      machine: describeMachine(options.otherNode),
      rounds: options.rounds,
      seconds: options.seconds,
      pinned: placement !== null,
      targets: names,
      missing,
      cells: measured,
      extremes: found,
    }
  } finally {
    for (const target of running) await target.stop()
    await monitor.child.stop()
    await origin.close()
  }
}

async function run(options: Options): Promise<void> {
  const results =
    options.from === null
      ? await measure(options)
      : (JSON.parse(readFileSync(options.from, 'utf8')) as Results)
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(results)}\n`)
  await writePage(results, options.out)
  for (const { goal, worst, isMet } of judge(results)) {
    if (worst === null) continue
    const bound = `${goal.atLeast ? '≥' : '≤'} ${goal.bound} ${goal.unit}`
    console.log(`${isMet ? 'met    ' : 'not met'}  ${goal.text}: ${worst.toFixed(2)} (${bound})`)
  }
  console.log(`wrote ${join(options.out, 'performance.md')}`)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await run(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
