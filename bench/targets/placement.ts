import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * Who runs on which core. The load generator has one to itself; redis-server and whatever stands
 * before it share the other, as they do in a container with one core: what a proxy takes from Redis
 * is then seen at once, and the scheduler moves nobody.
 */
export interface Placement {
  readonly load: number
  readonly servers: number
}

/** null: there is one core only, or no `taskset`; the figures are then not steady. */
export const placement: Placement | null =
  availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0
    ? { load: 0, servers: 1 }
    : null

/** `anywhere`: where the scheduler likes. */
export type Place = keyof Placement | 'anywhere'

/** The program and arguments that run `command` at its place. */
export function placed(
  place: Place,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  if (placement === null || place === 'anywhere') return [command, [...args]]
  return ['taskset', ['-c', String(placement[place]), command, ...args]]
}

/** Moves a running process, with all its threads, to its place. */
export function move(pid: number, place: Place): void {
  if (placement === null) return
  const all = `0-${String(availableParallelism() - 1)}`
  const cores = place === 'anywhere' ? all : String(placement[place])
  spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)])
}
