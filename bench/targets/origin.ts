import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedGroup } from '../../src/embedded/embedded-group.ts'
import { redisCall, type Reply } from '../../src/embedded/redis-call.ts'
import { isInstalled } from './child.ts'
import { move } from './placement.ts'
import { Missing, type Origin } from './target.ts'

/** Redis is often too busy to answer its sentinel at once; nobody shall fail over for that. */
const downAfterMs = 60_000

/** One Redis without replicas or persistence, and one sentinel, so that we can follow it. */
export async function startOrigin(): Promise<Origin> {
  if (!isInstalled('redis-server') || !isInstalled('redis-benchmark')) {
    throw new Missing(
      'redis-server and redis-benchmark are needed (Debian: redis-server, redis-tools)',
    )
  }
  const group = await startEmbeddedGroup({ replicas: 0, sentinels: 1, downAfterMs })
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-bench-'))
  const [node] = group.nodes
  const [sentinel] = group.sentinels
  if (node === undefined || sentinel === undefined) throw new Error('the group has no nodes')
  move(node.pid, 'servers')
  const { port } = node.address
  await tell(port, 'CONFIG', 'SET', 'maxclients', '15000')
  await tell(port, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0')
  return {
    port,
    pid: node.pid,
    masterName: group.masterName,
    sentinelPort: sentinel.port,
    folder,
    async close() {
      await group.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One command to Redis itself, beside what is measured; an error reply is thrown. */
export async function tell(port: number, ...args: readonly string[]): Promise<Reply> {
  const reply = await redisCall({ host: '127.0.0.1', port }, args, { timeoutMs: 60_000 })
  if (typeof reply === 'object' && reply !== null && 'error' in reply) {
    throw new Error(`${args[0] ?? ''}: ${reply.error}`)
  }
  return reply
}
