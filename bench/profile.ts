import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cells } from './cells.ts'
import { prepare, runCell } from './load/run-cell.ts'
import { startOrigin } from './targets/origin.ts'
import { startMonitorProcess, startOurselves } from './targets/ourselves.ts'

/**
 * Where the data plane's time goes under one cell: self time by function, from a V8 profile.
 *
 *     npm run bench:profile -- 'get c=50 P=1 3 B' [seconds]
 *
 * The profile itself stays in dist/bench/profiles for a viewer. What the sampler calls (program)
 * is native code; a read of a socket counts as idle there, a write under the name writeBuffer.
 */

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
  }
}

interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const folder = fileURLToPath(new URL('../profiles', import.meta.url))

async function record(name: string, seconds: number): Promise<Profile> {
  const cell = cells.find((each) => each.name === name)
  if (cell === undefined) {
    throw new Error(`no such cell; there are: ${cells.map((each) => each.name).join(', ')}`)
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const origin = await startOrigin()
  const monitor = startMonitorProcess(origin)
  try {
    const nodeArgs = ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', '200']
    const proxy = await startOurselves('multiplexed', origin, monitor.feed, nodeArgs)
    const sha = await prepare(cell, origin)
    const sample = await runCell(cell, proxy, origin, sha, seconds)
    console.log(`${cell.name}: ${Math.round(sample.perSecond)} commands a second`)
    console.log(`proxy ${sample.proxyUs.toFixed(2)} µs, redis ${sample.redisUs.toFixed(2)} µs each`)
    await proxy.stop()
  } finally {
    await monitor.child.stop()
    await origin.close()
  }
  const file = readdirSync(folder).find((each) => each.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('the proxy left no profile')
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile
}

/**
 * Lines of `share name place` over the last seconds, the largest first: what came before is the
 * start and the compiler. Idle time is left out of the whole.
 */
function shares({ nodes, samples, timeDeltas }: Profile, seconds: number): string[] {
  const places = new Map(nodes.map((node) => [node.id, placeOf(node)]))
  const self = new Map<string, number>()
  let left = seconds * 1e6
  for (let index = samples.length - 1; index >= 0 && left > 0; index--) {
    const id = samples[index] ?? 0
    left -= timeDeltas[index] ?? 0
    const place = places.get(id) ?? ''
    self.set(place, (self.get(place) ?? 0) + (timeDeltas[index] ?? 0))
  }
  self.delete('(idle)')
  const whole = [...self.values()].reduce((sum, time) => sum + time, 0)
  return [...self]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 45)
    .map(([place, time]) => `${((100 * time) / whole).toFixed(1).padStart(5)} %  ${place}`)
}

function placeOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? 'anonymous' : functionName
  return url === '' ? name : `${name} ${url.replace(/^.*\/dist\//, '')}:${lineNumber + 1}`
}

const [name = 'get c=50 P=1 3 B', seconds = '3'] = process.argv.slice(2)
for (const line of shares(await record(name, Number(seconds)), Number(seconds))) console.log(line)
