import { expect, test } from 'vitest'

import { CLI, ensureBuilt } from '../support/build.ts'
import { run } from '../support/child.ts'
import { watchLeaks } from '../support/leaks.ts'

watchLeaks()

async function demo(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  await ensureBuilt()
  const command = ['--enable-source-maps', CLI, 'demo', ...args]
  return run(process.execPath, command, { within: 55_000 })
}

function reportIn(output: string): Readonly<Record<string, unknown>> {
  return JSON.parse(output) as Record<string, unknown>
}

test('demo --switchover --json: one object; nothing lost, no error, nobody dropped', async () => {
  const { code, output } = await demo('--switchover', '--json', '--seconds', '8')
  const report = reportIn(output)
  expect(report).toMatchObject({ change: 'switchover', verdict: 'kept', dropped: 0, lost: 0 })
  expect(report).toMatchObject({ inDoubt: 0, errors: {}, refused: 0, duplicated: 0, torn: 0 })
  expect(report['acked']).toBeGreaterThan(1_000)
  expect(report['masterAfter']).not.toBe(report['masterBefore'])
  expect(code).toBe(0)
})

test('demo --kill --json: nobody dropped, what cannot be known is in doubt', async () => {
  const { code, output } = await demo('--kill', '--json', '--seconds', '9')
  const report = reportIn(output)
  expect(report).toMatchObject({ change: 'kill', verdict: 'kept', dropped: 0, errors: {} })
  expect(report).toMatchObject({ duplicated: 0, torn: 0, unanswered: 0 })
  expect(report['changedInMs']).toBeGreaterThan(1_000)
  expect(code).toBe(0)
})

test('without a terminal the view is lines; wrong flags have status 2', async () => {
  const { code, output } = await demo('--seconds', '6')
  expect(code).toBe(0)
  expect(output).toMatch(/^\d\.\d s: [\d,]+ commands\/s, gate open, master 127/m)
  expect(output).toMatch(/^ {2}connections dropped {2}0 of 63$/m)
  expect(output).not.toContain('\u001b')
  expect((await demo('--kill', '--switchover')).code).toBe(2)
  expect((await demo('--seconds', 'many')).code).toBe(2)
})
