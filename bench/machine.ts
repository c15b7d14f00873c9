import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** What was measured on, and with what. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  /** Name and version, for people. */
  readonly programs: readonly string[]
}

function version(command: string, args: readonly string[], pattern: RegExp): string[] {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  const found = pattern.exec(`${stdout}${stderr}`)?.[1]
  return found === undefined ? [] : [found]
}

export function describeMachine(otherNode: string | null): Machine {
  const all = cpus()
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release().replace(/-.*$/, '')}`,
    programs: [
      `Node ${process.versions.node}`,
      ...(otherNode === null ? [] : version(otherNode, ['--version'], /v(\S+)/)).map(
        (text) => `the other Node ${text}`,
      ),
      ...version('redis-server', ['--version'], /v=(\S+)/).map((text) => `Redis ${text}`),
      ...version('haproxy', ['-v'], /version (\d[\d.]*)/).map((text) => `HAProxy ${text}`),
      ...version('nutcracker', ['-V'], /nutcracker-(\S+)/).map((text) => `twemproxy ${text}`),
    ],
  }
}
