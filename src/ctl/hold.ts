import { dig } from './admin-door.ts'
import type { Verb } from './context.ts'

const defaultTtlMs = 30_000

export const hold: Verb = {
  name: 'hold',
  summary: 'every data plane keeps all commands back, until release or for a time',
  flags: [['--ttl <duration>', 'ends by itself after this time [30s]']],
  async run({ door, group, options }) {
    const ttl = options.duration('ttl') ?? defaultTtlMs
    const answer = await door.act('hold', { group, ttl: `${String(ttl)}ms` }, 0)
    const report = dig(answer, 'done', 0, 'groups', 0) ?? dig(answer, 'groups', 0)
    const planes = dig(report, 'dataPlanes')
    const lines = (Array.isArray(planes) ? (planes as unknown[]) : []).map((plane) => {
      const [worker, pid, inFlight] = ['worker', 'pid', 'inFlight'].map((key) => dig(plane, key))
      const rest = dig(plane, 'atRest') === true ? 'at rest' : `${String(inFlight)} on the wire`
      return `worker ${String(worker)} (pid ${String(pid)}): ${rest}`
    })
    const first = `${group}: held for at most ${String(ttl / 1_000)} s`
    return { facts: { ...(report as object) }, lines: [first, ...lines] }
  },
}
