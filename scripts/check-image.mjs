// Builds the image of the Dockerfile without a Docker engine, and looks whether it does what it says:
// buildah in a chroot, over a base made with debootstrap and this machine's own Node (a stand-in for
// the official image, thrown away at the end). Needs root on a Debian-like system.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const started = performance.now()
const base = 'docker.io/library/node:24-bookworm-slim'
const image = 'localhost/switchmaster:check'

// Runs in the image, on free-looking ports of this machine's network.
const serve = `
export SWITCHMASTER_LISTEN=127.0.0.1:18889 SWITCHMASTER_ADMIN=127.0.0.1:18890
switchmaster up --sentinels "$1" >/tmp/log 2>&1 &
pid=$!
attempts=0
until node -e 'fetch("http://127.0.0.1:18890/readyz").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'; do
  attempts=$((attempts + 1))
  [ $attempts -lt 60 ] || { cat /tmp/log; exit 1; }
  sleep 0.5
done
echo ready
node /app/scripts/healthcheck.mjs && echo healthy
node -e 'const s = require("net").connect(18889, "127.0.0.1", () => s.write("PING\\r\\n")); s.on("data", (d) => { console.log(String(d).trim()); s.end() })'
kill -TERM $pid
wait $pid
echo "exit $?"
`

const say = (text) => console.log(`[check-image] ${text}`)

if (process.getuid?.() !== 0) {
  console.error('[check-image] needs root: buildah and debootstrap make a file system of their own')
  process.exit(1)
}
const missing = ['buildah', 'debootstrap', 'redis-server'].filter(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
)
if (missing.length > 0) {
  say(`installing with apt-get: ${missing.join(' ')}`)
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  const options = { stdio: 'inherit', env }
  execFileSync('apt-get', ['update', '-q'], options)
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...missing], options)
}

const folder = mkdtempSync(join(tmpdir(), 'switchmaster-image-'))
const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')]
const driver = ['--storage-driver', 'vfs']
const buildah = (...args) =>
  execFileSync('buildah', [...storage, ...driver, ...args], { cwd: root, encoding: 'utf8' }).trim()
const buildahAloud = (...args) =>
  execFileSync('buildah', [...storage, ...driver, ...args], { cwd: root, stdio: 'inherit' })

try {
  makeBase(join(folder, 'base'))
  say('building the image')
  buildahAloud(
    ...['build', '--isolation', 'chroot', '--pull-never', '--format', 'docker'],
    ...['--tag', image, '.'],
  )
  checkFacts()
  await checkRunning()
  say(`the image is good (${Math.round((performance.now() - started) / 1000)} s)`)
} finally {
  spawnSync('buildah', [...storage, ...driver, 'rm', '--all'], { stdio: 'ignore' })
  rmSync(folder, { recursive: true, force: true })
}

/** A minimal Debian with this machine's Node, npm and trusted authorities, tagged as the base. */
function makeBase(rootfs) {
  say(`making a base image: debootstrap and Node ${process.version}`)
  const packages = '--include=libstdc++6,ca-certificates'
  execFileSync('debootstrap', ['--variant=minbase', packages, 'bookworm', rootfs], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const local = join(rootfs, 'usr/local')
  cpSync(process.execPath, join(local, 'bin/node'))
  const npmCli = realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true })
  cpSync(dirname(dirname(npmCli)), join(local, 'lib/node_modules/npm'), { recursive: true })
  execFileSync('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm')])
  const setting = (name) =>
    execFileSync('npm', ['config', 'get', name], { encoding: 'utf8', cwd: folder }).trim()
  const authorities = 'etc/ssl/certs/ca-certificates.crt'
  if (existsSync(`/${authorities}`)) cpSync(`/${authorities}`, join(rootfs, authorities))
  mkdirSync(join(local, 'etc'), { recursive: true })
  const npmrc = `registry=${setting('registry')}\ncafile=/${authorities}\n`
  writeFileSync(join(local, 'etc/npmrc'), npmrc)
  execFileSync('chroot', [rootfs, 'useradd', '--create-home', '--uid', '1000', 'node'])
  const container = buildah('from', 'scratch')
  buildah('copy', '--quiet', container, rootfs, '/')
  buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', container)
  buildah('commit', '--quiet', container, base)
  buildah('rm', container)
  rmSync(rootfs, { recursive: true })
}

/** What can be read from the image itself. */
function checkFacts() {
  const { config } = JSON.parse(buildah('inspect', '--type', 'image', image)).Docker
  expect('runs as an ordinary user', config.User === 'node')
  expect('starts without a shell', config.Entrypoint.join() === 'switchmaster')
  expect('has a health check', config.Healthcheck?.Test?.[1] === 'node')
  expect('ends on SIGTERM', config.StopSignal === 'SIGTERM')
}

function expect(what, isSo) {
  if (!isSo) throw new Error(`the image: not so: ${what}`)
  say(`ok: ${what}`)
}

/** The container as a user would run it, before a group on this machine. */
async function checkRunning() {
  const container = buildah('from', '--pull-never', image)
  const run = ['run', '--isolation', 'chroot', '--user', 'node']
  const inside = (...command) => buildah(...run, container, '--', ...command)
  expect('shows its help', inside('switchmaster', '--help').includes('check-config'))
  const modules = inside('ls', 'node_modules').split('\n')
  expect('has its dependencies', modules.includes('ioredis'))
  expect(
    'has no development dependencies',
    !['typescript', 'vitest', '@typescript-eslint'].some((name) => modules.includes(name)),
  )
  expect('has no sources', !inside('ls').split('\n').includes('src'))
  const refused = spawnSync(
    'buildah',
    [...storage, ...driver, ...run, container, '--', 'switchmaster', 'up'],
    { encoding: 'utf8', cwd: root },
  )
  expect('refuses to start without sentinels', refused.stderr.includes('sentinels: none are given'))

  const { startEmbeddedGroup } = await import(join(root, 'dist/embedded/embedded-group.js'))
  const group = await startEmbeddedGroup()
  try {
    const sentinels = group.sentinels.map(({ host, port }) => `${host}:${port}`).join()
    const report = inside('sh', '-c', serve, 'serve', sentinels)
    expect('is healthy by its own health check', report.includes('healthy\n'))
    expect('is ready', report.includes('ready\n'))
    expect('serves a client', report.includes('+PONG'))
    expect('ends with 0 on SIGTERM', report.endsWith('exit 0'))
  } finally {
    await group.close()
  }
}
