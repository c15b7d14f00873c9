import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Below the kernel's ephemeral range, so that no outgoing connection can take a port between its
// choice and its use (a server that is restarted must find its port again).
const LOWEST = 12_000
const HIGHEST = 31_999
const CLAIMS = join(tmpdir(), 'switchmaster-test-ports')
const mine = new Set<number>()

/** A loopback port that nobody listens on and that no other test process has been given. */
export async function freePort(): Promise<number> {
  mkdirSync(CLAIMS, { recursive: true })
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (!claim(port)) continue
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST}`)
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let n = 0; n < count; n += 1) ports.push(await freePort())
  return ports
}

function claim(port: number): boolean {
  const file = join(CLAIMS, String(port))
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
  } catch {
    if (mine.has(port) || isAlive(ownerOf(file))) return false
    writeFileSync(file, String(process.pid))
  }
  if (mine.size === 0) process.once('exit', release)
  mine.add(port)
  return true
}

function release(): void {
  for (const port of mine) rmSync(join(CLAIMS, String(port)), { force: true })
}

function ownerOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true))
    })
  })
}
