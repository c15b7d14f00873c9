// `npm test`: sets up what is missing, then lints, checks the types and runs the tests. The last
// line is `N passed, N failed`, where a failed step counts as one. Arguments after `--` go to vitest.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testing } from './packages.mjs'
import { setup } from './setup.mjs'

const started = performance.now()
console.log('[test] checking what is installed, then building')
setup(testing)

const bin = (...path) => join('node_modules', ...path)
const steps = [
  ['lint', bin('eslint', 'bin', 'eslint.js'), '.'],
  ['format', bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  ['types', bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json', '--noEmit'],
]
let failedSteps = 0
for (const [name, ...args] of steps) {
  console.log(`[test] ${name}`)
  if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0) continue
  console.error(`[test] ${name} failed`)
  failedSteps++
}

if (process.env.WITH_GUARD === '1') {
  console.log('[test] guard: the processor time of a command against that of an earlier commit')
  const built = spawnSync(process.execPath, [bin('typescript', 'bin', 'tsc'), '-p', 'bench'])
  const guard = join('dist', 'bench', 'bench', 'guard.js')
  const { status } = spawnSync(process.execPath, [guard], { stdio: 'inherit' })
  if (built.status !== 0 || status !== 0) {
    console.error('[test] guard failed')
    failedSteps++
  }
}

const folder = mkdtempSync(join(tmpdir(), 'switchmaster-test-'))
const report = join(folder, 'report.json')
const projects = ['tidy', 'unit', 'integration'].flatMap((name) => ['--project', name])
const vitest = spawnSync(
  process.execPath,
  [
    bin('vitest', 'vitest.mjs'),
    'run',
    ...projects,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
)
const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {}
rmSync(folder, { recursive: true })
const passed = counts.numPassedTests ?? 0
// A file that could not be loaded has no tests to count, and is a failure all the same.
const brokenFiles = (counts.testResults ?? []).filter(
  (file) =>
    file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
)
let failed = failedSteps + (counts.numFailedTests ?? 0) + brokenFiles.length
if (vitest.status !== 0 && failed === failedSteps) {
  console.error('[test] vitest failed outside of the tests: see above')
  failed++
}
console.log(`[test] ${Math.round((performance.now() - started) / 1000)} s`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
