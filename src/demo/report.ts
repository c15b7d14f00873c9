import type { DemoReport } from './play.ts'
import { count } from './screen.ts'

/** The ledger at the end, for people. */
export function reportLines(report: DemoReport): readonly string[] {
  const { change, lost, errors, refused, messages, changedInMs } = report
  const isCrash = change === 'kill'
  const errorCount = Object.values(errors).reduce((sum, each) => sum + each, 0) + refused
  const lostText = isCrash ? '  (not yet replicated when the master died; no proxy can know)' : ''
  const took = changedInMs === null ? 'did not change' : `changed within ${count(changedInMs)} ms`
  return [
    'ledger',
    `  master               ${report.masterBefore} → ${report.masterAfter}, ${took}`,
    `  acknowledged         ${count(report.acked)}`,
    `  errors               ${count(errorCount)}`,
    ...Object.entries(errors).map(([text, times]) => `    ${count(times)} × ${text}`),
    `  in doubt             ${count(report.inDoubt)}`,
    `  lost                 ${count(lost)}${lost > 0 ? lostText : ''}`,
    `  executed twice       ${count(report.duplicated)}`,
    `  transactions torn    ${count(report.torn)}`,
    `  without an answer    ${count(report.unanswered)}`,
    `  connections dropped  ${count(report.dropped)} of ${count(report.clients)}`,
    `  longest stall        ${count(report.longestStallMs)} ms`,
    `  messages             ${count(messages.published)} published, ${count(messages.heard)} heard`,
    `  the promise          ${report.verdict}`,
  ]
}
