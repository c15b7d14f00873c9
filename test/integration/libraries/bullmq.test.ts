import { Queue, QueueEvents, Worker } from 'bullmq'
import type { ConnectionOptions, Job } from 'bullmq'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { libraryStage } from '../../support/library-stage.ts'
import { until } from '../../support/until.ts'

const stage = libraryStage()

let closing: (() => Promise<unknown>)[] = []

beforeEach(() => (closing = []))
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

function connection(): ConnectionOptions {
  return { port: stage().target.port, host: '127.0.0.1' }
}

function queueWith(process: (job: Job<number>) => Promise<number>): Queue<number, number> {
  const queue = new Queue<number, number>('work', { connection: connection() })
  const worker = new Worker<number, number>('work', process, {
    connection: connection(),
    concurrency: 5,
  })
  queue.on('error', () => undefined)
  worker.on('error', () => undefined)
  closing.push(
    () => queue.close(),
    () => worker.close(),
  )
  return queue
}

test('two hundred jobs are done once each, failures are tried again', async () => {
  const tries = new Map<number, number>()
  const queue = queueWith(async ({ data }) => {
    tries.set(data, (tries.get(data) ?? 0) + 1)
    if (data % 50 === 7 && tries.get(data) === 1) throw new Error('the first time it fails')
    return data * 2
  })
  const events = new QueueEvents('work', { connection: connection() })
  closing.push(() => events.close())
  await events.waitUntilReady()
  const jobs = await queue.addBulk(
    Array.from({ length: 200 }, (_each, n) => ({ name: 'one', data: n, opts: { attempts: 2 } })),
  )
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20_000)))
  expect(results).toEqual(jobs.map((_job, n) => n * 2))
  expect([...tries.values()].filter((count) => count === 2)).toHaveLength(4)
  expect((await queue.getJobCounts('completed', 'failed')).completed).toBe(200)
}, 40_000)

test('delayed jobs come in their time, repeated ones again and again', async () => {
  const done: { readonly name: string; readonly at: number }[] = []
  const queue = queueWith(async ({ name }) => done.push({ name, at: performance.now() }))
  const begun = performance.now()
  await queue.add('late', 1, { delay: 400 })
  await queue.add('soon', 2, { delay: 100 })
  await queue.upsertJobScheduler('again', { every: 150 }, { name: 'repeated', data: 3 })
  const count = (name: string): number => done.filter((each) => each.name === name).length
  const enough = (): boolean => count('repeated') >= 3 && count('late') === 1
  await until(enough, { within: 15_000, what: 'delayed and repeated jobs' })
  await queue.removeJobScheduler('again')
  const at = (name: string): number => done.find((each) => each.name === name)?.at ?? 0
  expect(at('soon') - begun).toBeGreaterThanOrEqual(95)
  expect(at('late') - begun).toBeGreaterThanOrEqual(395)
}, 30_000)
