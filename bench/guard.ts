import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cells } from './cells.ts'
import { prepare, runCell } from './load/run-cell.ts'
import { medianRatio } from './stats.ts'
import { startOrigin } from './targets/origin.ts'
import { startMonitorProcess, startOurselves } from './targets/ourselves.ts'

/**
 * Has this checkout become dearer than an earlier commit? Both are built and stand before the same
 * Redis; they take turns, so that what disturbs the machine disturbs both, and the processor time of
 * one command is compared, never a time of the clock. Ends with 1 when a cell costs more than
 * `--most` times what it did.
 *
 *     npm run bench:guard -- [--base COMMIT] [--most 1.35] [--rounds 5]
 *
 * Without --base: where this branch left origin/main, else ten commits back.
 */

const root = fileURLToPath(new URL('../../..', import.meta.url))
const watched = [
  'get c=50 P=1 3 B',
  'set c=50 P=16 3 B',
  'get c=50 P=1 16 KiB',
  'mixed c=50 P=1 3 B',
]
const runSeconds = 0.4

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

function tryGit(...args: string[]): string | null {
  try {
    return git(...args)
  } catch {
    return null
  }
}

/** null: there is no earlier commit (a shallow clone). */
function baseCommit(wanted: string | undefined): string | null {
  if (wanted !== undefined) return git('rev-parse', '--verify', `${wanted}^{commit}`)
  const branched = tryGit('merge-base', 'HEAD', 'origin/main')
  if (branched !== null && branched !== git('rev-parse', 'HEAD')) return branched
  return tryGit('rev-parse', '--verify', 'HEAD~10')
}

/** Builds the commit in a folder of its own. Returns the program; null when it does not build. */
function build(commit: string, folder: string): string | null {
  git('worktree', 'add', '--detach', folder, commit)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: folder })
    return join(folder, 'dist', 'cli.js')
  } catch {
    return null
  }
}

/** For each cell, the median of what a command costs here over what it cost there. */
async function compare(base: string, rounds: number): Promise<Map<string, number>> {
  const origin = await startOrigin()
  const monitors = [startMonitorProcess(origin), startMonitorProcess(origin, base)] as const
  const ratios = new Map<string, number>()
  try {
    const here = await startOurselves('multiplexed', origin, monitors[0].feed)
    const there = await startOurselves('multiplexed', origin, monitors[1].feed, [], base)
    for (const cell of cells.filter(({ name }) => watched.includes(name))) {
      const sha = await prepare(cell, origin)
      const [over, under]: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round++) {
        over.push((await runCell(cell, here, origin, sha, runSeconds)).proxyUs)
        under.push((await runCell(cell, there, origin, sha, runSeconds)).proxyUs)
      }
      ratios.set(cell.name, medianRatio(over, under))
    }
    await here.stop()
    await there.stop()
  } finally {
    for (const { child } of monitors) await child.stop()
    await origin.close()
  }
  return ratios
}

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    most: { type: 'string', default: '1.35' },
    rounds: { type: 'string', default: '5' },
  },
})
const commit = baseCommit(values.base)
if (commit === null) {
  console.log('[guard] no earlier commit to compare with')
} else {
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-guard-'))
  const tree = join(folder, 'base')
  try {
    const program = build(commit, tree)
    if (program === null) {
      console.log(`[guard] ${commit.slice(0, 8)} does not build with what is installed`)
    } else {
      for (const [name, ratio] of await compare(program, Number(values.rounds))) {
        const isDearer = ratio > Number(values.most)
        console.log(
          `[guard] ${name.padEnd(22)} ${ratio.toFixed(2)} × the processor time of ${commit.slice(0, 8)}` +
            (isDearer ? `: more than ${values.most}` : ''),
        )
        if (isDearer) process.exitCode = 1
      }
    }
  } finally {
    tryGit('worktree', 'remove', '--force', tree)
    rmSync(folder, { recursive: true, force: true })
  }
}
