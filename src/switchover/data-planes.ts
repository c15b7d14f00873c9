import type { GateReport } from '../feed/messages.ts'

/** What the data planes at the other end of the feed last said of their gates. */
export class DataPlanes {
  readonly #readers = new Map<number, Map<string, GateReport>>()

  tell(reader: number, report: GateReport): void {
    const groups = this.#readers.get(reader) ?? new Map<string, GateReport>()
    groups.set(report.group, report)
    this.#readers.set(reader, groups)
  }

  /** Its connection has ended: it is no data plane of ours any more. */
  gone(reader: number): void {
    this.#readers.delete(reader)
  }

  of(group: string): readonly GateReport[] {
    return [...this.#readers.values()].flatMap((groups) => groups.get(group) ?? [])
  }
}

/** Under this hold no command of the plane can reach the master, and none is on its way. */
export function isAtRest(plane: GateReport, holdId: number): boolean {
  const isShut = plane.state === 'holding' || plane.state === 'failfast'
  return isShut && plane.holds.includes(holdId) && plane.inFlight === 0
}

/** Its clients are served by this master (again). */
export function serves(plane: GateReport, master: string): boolean {
  return (plane.state === 'open' || plane.state === 'draining') && plane.upstream === master
}

/** `worker 0 (pid 4711): 3 commands on the wire` */
export function whyNotAtRest(plane: GateReport, holdId: number): string {
  const name = `worker ${String(plane.worker)} (pid ${String(plane.pid)})`
  if (!plane.holds.includes(holdId)) return `${name}: has not said that it holds`
  if (plane.inFlight > 0) return `${name}: ${String(plane.inFlight)} commands on the wire`
  return `${name}: its gate is ${plane.state}`
}
