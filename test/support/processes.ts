import { readFileSync, readdirSync } from 'node:fs'

/** All processes below `pid`, itself not among them. Reads /proc, so Linux only. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = read(`/proc/${name}/stat`)
    // The second field is in brackets and may hold blanks; the parent is two fields after it.
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const found: number[] = []
  const queue = [pid]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const [child, parent] of parents) {
      if (parent !== next) continue
      found.push(child)
      queue.push(child)
    }
  }
  return found
}

/** Resident memory in bytes of a process and all below it. */
export function residentBytes(pid: number): number {
  let total = 0
  for (const each of [pid, ...descendants(pid)]) {
    const line = /VmRSS:\s+(\d+) kB/.exec(read(`/proc/${each}/status`))
    total += Number(line?.[1] ?? 0) * 1024
  }
  return total
}

/** The command line of a process, arguments joined by blanks; '' when it is gone. */
export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
