// `npm start`: sets up what is missing, then runs `switchmaster up` in the foreground, with the
// arguments after `--`.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { serving } from './packages.mjs'
import { setup } from './setup.mjs'

console.log('[start] checking what is installed, then building')
setup(serving)

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const child = spawn(
  process.execPath,
  ['--enable-source-maps', cli, 'up', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
)
// At a terminal Ctrl-C reaches the child by itself; a signal sent to us alone is passed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT')
})
child.on('exit', (status, signal) => {
  process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 143)
})
