// `npm start`: sets up what is missing, then runs `switchmaster up` in the foreground, with the
// arguments after `--`.
import { serving } from './packages.mjs'
import { foreground, setup } from './setup.mjs'

console.log('[start] checking what is installed, then building')
setup(serving)
foreground(['up', ...process.argv.slice(2)])
