import { setting } from './setting.ts'
import {
  choice,
  countOrAuto,
  listenOr,
  optionalText,
  optionalWord,
  socketOr,
  yesNo,
} from './values.ts'

/** The keys that hold for the whole process (or for all parts of `up`). */
export const processSettings = {
  workers: setting(countOrAuto(1, 64), 'auto', 'Processes of the data plane.', {
    why: 'auto: one on up to 2 cores, else half of the cores, at most 4. The work is in the kernel.',
  }),
  admin: setting(
    listenOr('off'),
    '127.0.0.1:8890',
    'The HTTP door: status page, /healthz, /readyz, /metrics, /state, /events.',
  ),
  adminToken: setting(
    optionalWord(/^[!-~]+$/, 'a token of printable ASCII characters without spaces'),
    null,
    'Bearer token for POST /hold, /release and /failover; without it they are refused.',
    { secret: true },
  ),
  adminTokenFile: setting(optionalText('a path'), null, 'A file with that token.'),
  feed: setting(socketOr('auto'), 'auto', 'The channel from `monitor` to every `proxyd`.', {
    why: 'auto: a unix socket in a folder that only this user can enter.',
  }),
  embedded: setting(
    yesNo(),
    'yes',
    'Whether `up` without sentinels starts a throw-away group of its own. The image says no.',
  ),
  logLevel: setting(
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'The least severe line that is logged.',
  ),
  logPretty: setting(
    choice('auto', 'true', 'false'),
    'auto',
    'Lines for people rather than JSON. auto: when standard output is a terminal.',
  ),
}
