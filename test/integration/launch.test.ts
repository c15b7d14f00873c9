import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { ensureBuilt } from '../support/build.ts'
import { run } from '../support/child.ts'

const fixture = join(import.meta.dirname, 'fixtures/launch.mjs')

beforeAll(ensureBuilt, 200_000)

/** What the supervisor's process said at its own end, for which nothing may be left to wait for. */
async function ended(how: string): Promise<unknown> {
  const command = `ulimit -n 64 && exec "$0" "$@"`
  const said = await run('sh', ['-c', command, process.execPath, fixture, how], { within: 20_000 })
  expect([said.code, said.output]).toEqual([0, expect.stringContaining('ends')])
  return JSON.parse(said.output)
}

it.each([
  ['a worker in a folder that is not there', /ENOENT/],
  ['a worker without a descriptor', /EMFILE/],
  ['a process without a descriptor', /EMFILE/],
])('%s has ended, once, and takes nobody with it', async (how, failure) => {
  const end = { status: null, signal: null, failure: expect.stringMatching(failure) as string }
  expect(await ended(how)).toEqual({ ends: [end], workers: 0 })
})

it('a worker that dies while it asks for its socket takes nobody with it', async () => {
  const end = { status: null, signal: 'SIGKILL', failure: null }
  const how = 'a worker that dies while it asks for its socket'
  expect(await ended(how)).toEqual({ ends: [end], workers: 0 })
})
