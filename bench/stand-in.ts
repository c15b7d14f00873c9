import { parseArgs } from 'node:util'
import { parseAddress } from '../src/base/address.ts'
import { systemClock } from '../src/base/clock.ts'
import { loadConfig } from '../src/config/load.ts'
import { startMonitor } from '../src/monitor.ts'
import { startProxyd } from '../src/proxyd.ts'
import { createLogger } from '../src/telemetry/logger.ts'

/** The two commands of the program that the benchmark needs, where the program is not built. */

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sentinels: { type: 'string', default: '' },
    'master-name': { type: 'string', default: 'mymaster' },
    feed: { type: 'string', default: '' },
    listen: { type: 'string', default: '127.0.0.1:0' },
    'pool-mode': { type: 'string', default: 'multiplexed' },
    admin: { type: 'string', default: 'off' },
    'log-level': { type: 'string', default: 'warn' },
  },
})

const part = positionals[0] === 'monitor' ? 'monitor' : 'proxyd'
const log = createLogger({ level: 'warn', pretty: false, part })
const deps = { log, clock: systemClock }

async function run(): Promise<{ close(): Promise<void> }> {
  if (part === 'monitor') {
    const group = {
      name: values['master-name'],
      sentinels: values.sentinels.split(',').flatMap((text) => parseAddress(text) ?? []),
    }
    return startMonitor({ groups: [group], feedPath: values.feed }, deps)
  }
  const config = loadConfig({
    flags: {
      sentinels: values.sentinels,
      masterName: values['master-name'],
      listen: values.listen,
      poolMode: values['pool-mode'],
    },
  })
  return startProxyd(config, {
    ...deps,
    feedPath: values.feed,
    worker: 0,
    workers: 1,
    changed: () => undefined,
  })
}

const running = await run()
process.once('SIGTERM', () => {
  void running.close().finally(() => process.exit(0))
})
