import { reasonOf } from '../base/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Config } from '../config/schema.ts'
import { startupSentence } from './startup-error.ts'
import type { Order, Part, PartName, Parts, Word } from './part.ts'
import { reportOf } from './part.ts'

/** Between two reports that nobody asked for: what a crash may take from the counters. */
const reportEveryMs = 1000

/** The life of a part below a supervisor: takes orders over the channel to the parent. */
export function runSupervised(
  name: PartName,
  parts: Parts,
  logOf: (config: Config, part: string) => Logger,
): void {
  let part: Part | null = null
  const say = (word: Word): void => {
    // The channel may close at any moment: then `disconnect` ends this process.
    if (process.connected) process.send?.(word, undefined, undefined, () => undefined)
  }
  const report = (): void => {
    if (part !== null) say({ kind: 'report', report: reportOf(part) })
  }
  const start = async (order: Order & { kind: 'start' }): Promise<void> => {
    const log = logOf(order.config, name)
    try {
      const { config, seat } = order
      part = await parts[name](config, { ...seat, log, changed: report })
      say({ kind: 'started', verbs: Object.keys(part.actions) })
      report()
      setInterval(report, reportEveryMs).unref()
    } catch (error) {
      say({ kind: 'failed', message: startupSentence(error) })
    }
  }
  const stop = async (): Promise<void> => {
    await part?.close()
    report()
    process.exit(0)
  }
  // Ctrl-C at a terminal reaches every process of the group: the supervisor's order is the one.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => void stop())
  process.on('disconnect', () => process.exit(1))
  process.on('message', (order: Order) => {
    if (order.kind === 'start') void start(order)
    else if (order.kind === 'stop') void stop()
    else if (part !== null) void answer(part, order, say)
  })
  say({ kind: 'hello' })
}

async function answer(
  part: Part,
  order: Order & { kind: 'ask' },
  say: (word: Word) => void,
): Promise<void> {
  const { id, verb } = order
  if (verb === 'report') {
    say({ kind: 'answer', id, value: reportOf(part) })
    return
  }
  try {
    const value = await part.actions[verb]?.({ ...order.body })
    say({ kind: 'answer', id, value: value ?? {} })
  } catch (error) {
    say({ kind: 'refusal', id, message: reasonOf(error) })
  }
}
