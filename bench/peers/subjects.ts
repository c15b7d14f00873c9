import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { EmbeddedGroup } from '../../src/embedded/embedded-group.ts'
import { redisCall } from '../../src/embedded/redis-call.ts'
import { freePort, isInstalled, start, untilAnswers } from '../targets/child.ts'
import { startMonitorProcess, startOurselves } from '../targets/ourselves.ts'
import { Missing, type Origin } from '../targets/target.ts'
import type { Connect } from './load.ts'

/** One way for an application to reach a Redis that is run by Sentinel. */
export interface Subject {
  readonly title: string
  start(group: EmbeddedGroup, origin: Origin): Promise<Running>
}

export interface Running {
  /** How an application connects. */
  readonly connect: Connect
  stop(): Promise<void>
}

/** A client that connects again by itself when it was dropped, and then knows that it was. */
function plain(port: number): Connect {
  return () =>
    new Redis({
      ...{ host: '127.0.0.1', port },
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    })
}

/** HAProxy takes every server for a master until it has looked. */
async function untilMasterOnly(port: number): Promise<void> {
  const deadline = performance.now() + 10_000
  for (let inRow = 0; inRow < 6;) {
    const role = await redisCall({ host: '127.0.0.1', port }, ['ROLE'])
    inRow = Array.isArray(role) && role[0] === 'master' ? inRow + 1 : 0
    if (performance.now() > deadline) throw new Error('HAProxy did not find the master')
    await delay(200)
  }
}

const ourselves: Subject = {
  title: 'switchmaster',
  async start(_group, origin) {
    const monitor = startMonitorProcess(origin)
    const proxy = await startOurselves('multiplexed', origin, monitor.feed)
    return {
      connect: plain(proxy.port),
      async stop() {
        await proxy.stop()
        await monitor.child.stop()
      },
    }
  },
}

function haproxy(title: string, serverOptions: string): Subject {
  return {
    title,
    async start({ nodes }, origin) {
      if (!isInstalled('haproxy')) throw new Missing('haproxy is not installed (Debian: haproxy)')
      const port = await freePort()
      const file = join(origin.folder, 'peers-haproxy.cfg')
      const servers = nodes.map(
        ({ address }, n) =>
          `  server node${n} 127.0.0.1:${address.port} check inter 1s fall 1 rise 1 ${serverOptions}`,
      )
      const lines = [
        ...['global', '  nbthread 1', 'defaults', '  mode tcp', '  timeout connect 2s'],
        ...['  timeout client 1h', '  timeout server 1h'],
        ...['listen redis', `  bind 127.0.0.1:${port}`, '  option tcp-check'],
        ...['  tcp-check send PING\\r\\n', '  tcp-check expect string +PONG'],
        ...['  tcp-check send info\\ replication\\r\\n', '  tcp-check expect string role:master'],
        ...['  tcp-check send QUIT\\r\\n', '  tcp-check expect string +OK'],
        ...servers,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      const child = start('servers', 'haproxy', ['-q', '-db', '-f', file])
      await untilAnswers('haproxy', port, child)
      await untilMasterOnly(port)
      return { connect: plain(port), stop: () => child.stop() }
    },
  }
}

const library: Subject = {
  title: 'ioredis in Sentinel mode',
  start({ sentinels, masterName }) {
    const connect = (): Redis => new Redis({ sentinels: [...sentinels], name: masterName })
    return Promise.resolve({ connect, stop: () => Promise.resolve() })
  },
}

export const subjects: readonly Subject[] = [
  ourselves,
  haproxy('HAProxy, tcp-check role:master', ''),
  haproxy('the same with on-marked-down shutdown-sessions', 'on-marked-down shutdown-sessions'),
  library,
]
