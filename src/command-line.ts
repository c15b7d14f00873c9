import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { reasonOf } from './base/errors.ts'
import { loadConfig } from './config/load.ts'
import { printConfig } from './config/print.ts'
import { ConfigError } from './config/problems.ts'
import type { Config } from './config/schema.ts'
import { isCtlSetting, runCtl } from './ctl.ts'
import { ctlVerbs } from './ctl/verbs.ts'
import type { DemoFlags } from './demo.ts'
import { runDemo } from './demo.ts'
import { allSettings, flagOf, variableOf } from './config/schema.ts'
import { notesOf } from './config/setting.ts'
import type { RunContext } from './run.ts'
import { loggerFor, runMonitor, runProxyd, runUp } from './run.ts'
import { supervisedFlag } from './supervisor/launch.ts'
import type { PartName, Parts } from './supervisor/part.ts'
import { startupSentence } from './supervisor/startup-error.ts'
import { runSupervised } from './supervisor/supervised.ts'

const examples = `
Examples:
  $ switchmaster up
      A proxy on 127.0.0.1:8889 before a throw-away group of real servers.
  $ switchmaster up --sentinels 10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379 --master-name mymaster
      The same before your own group.
  $ switchmaster check-config --config switchmaster.yaml
      Is this file right, and what does it mean in full?
  $ switchmaster ctl failover --admin-token-file token
      Another master, and not a write lost.
  $ switchmaster demo --kill
      What clients see when the master crashes.

Every flag is also a variable (SWITCHMASTER_HOLD_WINDOW) and a key of the file given by --config
(holdWindow). Exit status: 0 ended as asked, 1 could not begin or go on, 2 refused what was asked.`

const verbs = {
  up: {
    summary: 'monitor and data plane under one supervisor: what a container runs',
    run: runUp,
  },
  proxyd: { summary: 'the data plane alone, fed over --feed', run: runProxyd },
  monitor: { summary: 'the control plane alone', run: runMonitor },
} as const

/** Runs the command line; resolves when the verb has begun its work, or done it. */
export async function runCommandLine(
  argv: readonly string[],
  parts: Parts,
  program: string,
): Promise<void> {
  const supervised = (argv[2] === 'monitor' || argv[2] === 'proxyd') && argv[3] === supervisedFlag
  if (supervised) {
    runSupervised(argv[2] as PartName, parts, loggerFor)
    return
  }
  // The reader of our help may leave early (`| head`): that is no failure.
  process.stdout.on('error', () => undefined)
  try {
    await commandLine(parts, program).parseAsync([...argv])
  } catch (error) {
    process.exitCode = explain(error)
  }
}

/** Says what went wrong; the exit status that belongs to it. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) {
    for (const problem of error.problems) console.error(`switchmaster: ${problem}`)
    return 2
  }
  console.error(`switchmaster: ${startupSentence(error)}`)
  return 1
}

function commandLine(parts: Parts, program: string): Command {
  const version = versionOf()
  const root = new Command('switchmaster')
    .description('One stable endpoint for a Redis that is run by Sentinel.')
    .version(version)
    .showHelpAfterError('(--help shows what is allowed)')
    .exitOverride()
    .addHelpText('after', examples)
  for (const [name, verb] of Object.entries(verbs)) {
    withSettings(root.command(name).summary(verb.summary).description(verb.summary)).action(
      async (flags: Record<string, unknown>) => {
        const config = loadConfig({ flags, env: process.env })
        const context: RunContext = { config, parts, program, version }
        await verb.run(context)
      },
    )
  }
  addCtl(root)
  root
    .command('demo')
    .description(
      'a group, the proxy, a load with a ledger, and a change of master before your eyes',
    )
    .exitOverride()
    .option('--switchover', 'a planned change of master: nothing may be lost (the default)')
    .option('--kill', 'the master is killed')
    .option('--seconds <count>', 'how long', '12')
    .option('--json', 'one JSON object on standard output, and nothing else')
    .action(async (flags: DemoFlags) => {
      process.exitCode = await runDemo(flags, { program, version })
    })
  withSettings(
    root
      .command('check-config')
      .description('validates a configuration and prints it in full, secrets masked'),
  ).action((flags: Record<string, unknown>) => {
    const config: Config = loadConfig({ flags, env: process.env })
    process.stdout.write(printConfig(config))
  })
  return root
}

function addCtl(root: Command): void {
  const ctl = root
    .command('ctl')
    .description('looks at a group and changes it, by its sentinels or by the running proxy')
    .exitOverride()
    .addHelpText('after', `\nExit status: 0 done, 1 refused (it says why), 2 wrong usage.`)
  for (const verb of ctlVerbs) {
    const { name, summary, words = '', flags } = verb
    const command = ctl.command(`${name} ${words}`.trim()).summary(summary).description(summary)
    for (const [flag, meaning] of flags) command.option(flag, meaning)
    command
      .option('--json', 'one JSON object on standard output')
      .option('--group <name>', 'which group, where the file has several')
    withSettings(command, isCtlSetting).action(async (...given: unknown[]) => {
      const options = command.opts<Record<string, unknown>>()
      const isOwn = ([key]: [string, unknown]): boolean => key === 'config' || isCtlSetting(key)
      const own = Object.entries(options).filter(isOwn)
      const config = loadConfig({ flags: Object.fromEntries(own), env: process.env })
      const wordsGiven = given.filter((word) => typeof word === 'string')
      process.exitCode = await runCtl(verb, config, options, wordsGiven)
    })
  }
}

/** Adds a flag for every key of the schema that is wanted, and --config. */
function withSettings(command: Command, isWanted = (_key: string): boolean => true): Command {
  command.exitOverride()
  command.addOption(
    new Option('--config <file>', 'a YAML file with any of these keys').env('SWITCHMASTER_CONFIG'),
  )
  for (const [key, schema] of Object.entries(allSettings)) {
    if (!isWanted(key)) continue
    const notes = notesOf(schema)
    const isSwitch = notes.allowed.startsWith('true, false') || key === 'logPretty'
    const fallback = notes.fallback === null || notes.fallback === '' ? '' : ` [${notes.fallback}]`
    const option = new Option(
      `${flagOf(key)} ${isSwitch ? '[yes]' : '<value>'}`,
      `${notes.meaning}${fallback}`,
    )
    if (notes.allowed.includes('several with commas')) option.argParser(collect)
    command.addOption(option)
  }
  return command.addHelpText('after', `\nVariables: ${variableOf('holdWindow')} and so on.`)
}

function collect(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before.map(String) : []), value]
}

function versionOf(): string {
  const file = new URL('../package.json', import.meta.url)
  try {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
    return version
  } catch (error) {
    return `unknown (${reasonOf(error)})`
  }
}
