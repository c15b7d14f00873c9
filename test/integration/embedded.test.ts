import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { EmbeddedGroup } from '../../src/embedded/embedded-group.ts'
import { startEmbeddedGroup } from '../../src/embedded/embedded-group.ts'
import { redisCall } from '../../src/embedded/redis-call.ts'
import { Guard } from '../../src/embedded/guard.ts'

let dir = ''
let group: EmbeddedGroup | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'embedded-test-'))
})
afterEach(async () => {
  await group?.close()
  group = undefined
  rmSync(dir, { recursive: true })
})

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isDone())) await delay(20)
}

/** Ended, or ended and not reaped yet. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return true
  }
}

it('is a group that fails over, with a password, and leaves nothing behind', async () => {
  const password = 'p4ss'
  group = await startEmbeddedGroup({ dir, password })
  const [folder = ''] = readdirSync(dir)
  expect(statSync(join(dir, folder)).mode & 0o777).toBe(0o700)
  const [master, ...replicas] = group.nodes
  const [sentinel] = group.sentinels
  if (master === undefined || sentinel === undefined) throw new Error('empty group')
  expect(replicas.map((node) => node.role)).toEqual(['replica', 'replica'])
  expect(await redisCall(master.address, ['SET', 'k', 'v'], { password })).toBe('OK')

  group.kill(master, 'SIGKILL')
  const ask = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group.masterName]
  await until(async () => {
    const reply = await redisCall(sentinel, ask)
    return Array.isArray(reply) && reply[1] !== String(master.address.port)
  })
  await group.restart(master)
  await until(async () => {
    const reply = await redisCall(master.address, ['ROLE'], { password })
    return Array.isArray(reply) && reply[0] === 'slave'
  })

  await group.close()
  expect(existsSync(join(dir, folder))).toBe(false)
  await until(() => replicas.every((node) => isGone(node.pid)))
})

it('ends children and folder when its process is killed', async () => {
  const folder = mkdtempSync(join(dir, 'guarded-'))
  const child = spawn('sleep', ['1000'])
  const guard = new Guard(folder)
  guard.add(child.pid ?? 0)
  // The end of the pipe is all that the guard sees of the end of a process.
  await guard.close()
  await until(() => child.signalCode === 'SIGKILL')
  expect(existsSync(folder)).toBe(false)
})
