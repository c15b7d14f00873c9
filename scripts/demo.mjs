// `npm run demo`: sets up what is missing, then `switchmaster demo`, with the arguments after `--`;
// without any a planned switchover.
import { serving } from './packages.mjs'
import { foreground, setup } from './setup.mjs'

console.log('[demo] checking what is installed, then building')
setup(serving)

const given = process.argv.slice(2)
foreground(['demo', ...(given.length > 0 ? given : ['--switchover'])])
