import { fileURLToPath } from 'node:url'
import { freePort, start, untilAnswers } from './child.ts'
import type { Origin, Target } from './target.ts'

const echoProgram = fileURLToPath(new URL('./floor-server.js', import.meta.url))
const tunnelProgram = fileURLToPath(new URL('./tunnel-server.js', import.meta.url))

/** What any server on Node costs, before it has done anything: an echo without a Redis behind it. */
export async function startFloor(): Promise<Target> {
  const port = await freePort()
  const child = start('servers', process.execPath, [echoProgram, String(port)])
  await untilAnswers('the echo', port, child)
  return { name: 'floor', port, pid: child.pid, stop: () => child.stop() }
}

/** What a proxy on Node costs that only passes bytes on, with `node:net` as most programs use it. */
export async function startTunnel(origin: Origin): Promise<Target> {
  const port = await freePort()
  const args = [tunnelProgram, String(port), String(origin.port)]
  const child = start('servers', process.execPath, args)
  await untilAnswers('the tunnel', port, child)
  return { name: 'tunnel', port, pid: child.pid, stop: () => child.stop() }
}
