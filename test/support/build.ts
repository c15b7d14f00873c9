import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

import { until } from './until.ts'

export const REPOSITORY = resolve(import.meta.dirname, '../..')
export const CLI = join(REPOSITORY, 'dist/cli.js')

let built: Promise<void> | undefined

/** Builds `dist/` once per test process; test processes that run side by side take turns. */
export function ensureBuilt(): Promise<void> {
  built ??= build()
  return built
}

async function build(): Promise<void> {
  const lock = join(tmpdir(), `switchmaster-build-${REPOSITORY.replaceAll('/', '_')}`)
  const locked = (): boolean => {
    try {
      mkdirSync(lock)
      return true
    } catch {
      // A build takes seconds: a lock of minutes was left by a process that was killed.
      if (Date.now() - statSync(lock).mtimeMs > 120_000) rmSync(lock, { recursive: true })
      return false
    }
  }
  await until(locked, { within: 180_000, every: 100, what: `the build lock ${lock}` })
  try {
    const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
    const project = join(REPOSITORY, 'tsconfig.build.json')
    await promisify(execFile)(process.execPath, [compiler, '-p', project], { cwd: REPOSITORY })
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
  if (!existsSync(CLI)) throw new Error(`the build made no ${CLI}`)
}
