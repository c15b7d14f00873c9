import { fileURLToPath } from 'node:url'
import { freePort, start, untilAnswers } from './child.ts'
import type { Target } from './target.ts'

const program = fileURLToPath(new URL('./floor-server.js', import.meta.url))

/** What any server on Node costs, before it has done anything: an echo without a Redis behind it. */
export async function startFloor(): Promise<Target> {
  const port = await freePort()
  const child = start('servers', process.execPath, [program, String(port)])
  await untilAnswers('the echo', port, child)
  return { name: 'floor', port, pid: child.pid, stop: () => child.stop() }
}
