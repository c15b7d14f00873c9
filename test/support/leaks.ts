import type { ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, expect } from 'vitest'

import { until } from './until.ts'

const children = new Map<number, ChildProcess>()
let guarded = false

/** Every child process of the harness is entered here; what still runs at exit is killed by pid. */
export function ownChild(child: ChildProcess): void {
  const pid = child.pid
  if (pid === undefined) return
  if (!guarded) process.once('exit', killAll)
  guarded = true
  children.set(pid, child)
  child.once('exit', () => children.delete(pid))
}

function killAll(): void {
  for (const pid of children.keys()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went by itself in the meantime.
    }
  }
}

const WATCHED = /^(TCPSocketWrap|TCPServerWrap|PipeServerWrap|ProcessWrap|Timeout|Worker|FSEvent)/

function census(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (WATCHED.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

function excess(before: ReadonlyMap<string, number>): string[] {
  const found: string[] = []
  for (const [name, count] of census()) {
    const was = before.get(name) ?? 0
    if (count > was) found.push(`${count - was} ${name}`)
  }
  for (const pid of children.keys()) found.push(`child ${pid}`)
  return found
}

/**
 * Call it once, first, in a test file: after the file's last hook no socket, server, timer or child
 * process may be left that was not there before. (Hooks registered first are run last.)
 */
export function watchLeaks(): void {
  let before: ReadonlyMap<string, number> = new Map()
  beforeAll(() => {
    before = census()
  })
  afterAll(async () => {
    const settled = until(() => excess(before).length === 0, { within: 3_000, what: 'no leaks' })
    await settled.catch(() => undefined)
    expect(excess(before), 'left behind by this file').toEqual([])
  })
}
