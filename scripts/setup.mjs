// Brings a fresh clone to where it can run: system packages, npm dependencies, the build. Needs
// nothing but Node: it runs before node_modules exists. What is there already is not touched.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.switchmaster-lock')

/** Installs what is missing of `packages`, then the npm dependencies, then builds. */
export function setup(packages) {
  checkNode()
  installPackages(packages.filter((item) => !isPresent(item.command)))
  installDependencies()
  run('node', [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'])
}

/** Runs a command in the project's folder; ends the whole script with its status when it fails. */
export function run(command, args, env = process.env) {
  const program = command === 'node' ? process.execPath : command
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env })
  if (error !== undefined) give(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** Runs our own program in the foreground; this process ends with its status, and hands on signals. */
export function foreground(args) {
  const program = join(root, 'dist', 'cli.js')
  const command = ['--enable-source-maps', program, ...args]
  const child = spawn(process.execPath, command, { stdio: 'inherit' })
  // At a terminal Ctrl-C reaches the child by itself; a signal sent to us alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

function say(text) {
  console.log(`[setup] ${text}`)
}

function give(text) {
  console.error(`[setup] ${text}`)
  process.exit(1)
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  give(`Node ${process.versions.node} is too old: install Node 20.19 or later`)
}

function isPresent(command) {
  if (isAbsolute(command)) return existsSync(command)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function installPackages(missing) {
  if (missing.length === 0) return
  for (const item of missing) say(`missing: ${item.debian} (${item.why})`)
  const names = [...new Set(missing.map((item) => item.debian))]
  if (!isPresent('apt-get')) {
    give(`install these with your package manager, then run this again: ${names.join(' ')}`)
  }
  const isRoot = process.getuid?.() === 0
  const install = ['install', '-y', '--no-install-recommends', ...names]
  if (!isRoot && !isPresent('sudo')) {
    give(
      `not root and no sudo. As root: apt-get update && RUNLEVEL=1 apt-get ${install.join(' ')} && ` +
        'systemctl disable --now redis-server redis-sentinel',
    )
  }
  say(`installing with apt-get: ${names.join(' ')}`)
  // With RUNLEVEL=1 Debian's packages do not start their services: we want the programs only.
  const settings = ['RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive']
  const apt = (...args) => {
    const command = ['env', ...settings, 'apt-get', ...args]
    if (isRoot) run('env', command.slice(1))
    else run('sudo', command)
  }
  apt('update', '-q')
  apt(...install)
  keepServicesOff(isRoot, names)
}

/** The packages also enable their services for the next boot: switched off again, if we did it. */
function keepServicesOff(isRoot, names) {
  const services = names.filter((name) => name === 'redis-server' || name === 'redis-sentinel')
  if (services.length === 0) return
  const quietly = (...command) => {
    const whole = isRoot ? command : ['sudo', ...command]
    spawnSync(whole[0], whole.slice(1), { stdio: 'ignore' })
  }
  for (const service of services) {
    if (isPresent('systemctl')) quietly('systemctl', 'disable', '--now', service)
    if (isPresent('update-rc.d')) quietly('update-rc.d', service, 'disable')
  }
}

/** `npm ci`, only when package-lock.json is not the one that was installed last. */
function installDependencies() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = `${createHash('sha256').update(lock).digest('hex')} ${process.version}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('installing npm dependencies (npm ci)')
  // Building needs the development dependencies, whatever NODE_ENV and npm's settings say.
  const env = {
    ...process.env,
    NODE_ENV: 'development',
    npm_config_omit: '',
    npm_config_production: '',
  }
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  if (npm !== undefined && /\.c?js$/.test(npm)) run('node', [npm, ...args], env)
  else run('npm', args, env)
  writeFileSync(stamp, wanted)
}
