import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, isInstalled, start, untilAnswers } from './child.ts'
import { Missing, type Origin, type Target } from './target.ts'

/** HAProxy as it stands before Redis in most places: TCP mode, one thread on its one core. */
export async function startHaproxy(origin: Origin): Promise<Target> {
  if (!isInstalled('haproxy')) throw new Missing('haproxy is not installed (Debian: haproxy)')
  const port = await freePort()
  const file = join(origin.folder, 'haproxy.cfg')
  const lines = [
    'global',
    '  nbthread 1',
    '  maxconn 9000',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen redis',
    `  bind 127.0.0.1:${port} backlog 4096`,
    `  server master 127.0.0.1:${origin.port}`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = start('servers', 'haproxy', ['-q', '-db', '-f', file])
  await untilAnswers('haproxy', port, child)
  return { name: 'haproxy', port, pid: child.pid, stop: () => child.stop() }
}

/** Twemproxy with one server, as a multiplexer. */
export async function startTwemproxy(origin: Origin): Promise<Target> {
  if (!isInstalled('nutcracker')) {
    throw new Missing('twemproxy is not installed (Debian: nutcracker)')
  }
  const [port, statsPort] = [await freePort(), await freePort()]
  const file = join(origin.folder, 'nutcracker.yml')
  const lines = [
    'bench:',
    `  listen: 127.0.0.1:${port}`,
    '  hash: fnv1a_64',
    '  distribution: ketama',
    '  backlog: 4096',
    '  preconnect: true',
    '  redis: true',
    '  servers:',
    `    - 127.0.0.1:${origin.port}:1`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const log = join(origin.folder, 'nutcracker.log')
  const args = ['-c', file, '-o', log, '-v', '1', '-a', '127.0.0.1', '-s', String(statsPort)]
  const child = start('servers', 'nutcracker', args)
  await untilAnswers('nutcracker', port, child)
  return { name: 'twemproxy', port, pid: child.pid, stop: () => child.stop() }
}
