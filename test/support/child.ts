import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import { ownChild } from './leaks.ts'
import { until } from './until.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process whose output is kept and whose end can be waited for. */
export class Child {
  readonly pid: number
  readonly #process: ChildProcess
  #output = ''
  #exit: Exit | undefined

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    ownChild(this.#process)
    this.pid = this.#process.pid ?? 0
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-262_144)
    }
    this.#process.stdout?.on('data', keep)
    this.#process.stderr?.on('data', keep)
    this.#process.once('error', (error) => {
      this.#output += String(error)
      this.#exit ??= { code: -1, signal: null }
    })
    // 'close', not 'exit': the output is complete then.
    this.#process.once('close', (code, signal) => {
      this.#exit ??= { code, signal }
    })
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  /** The end of standard output and standard error, as they came. */
  output(): string {
    return this.#output
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) process.kill(this.pid, signal)
  }

  exited(withinMs: number): Promise<Exit> {
    const what = `process ${this.pid} to end; its output: ${this.#output.slice(-2_000)}`
    return until(() => this.#exit, { within: withinMs, what })
  }

  /** SIGTERM, and SIGKILL for one that does not obey within 5 s. */
  async stop(): Promise<void> {
    this.signal('SIGTERM')
    await this.exited(5_000).catch(() => this.signal('SIGKILL'))
    await this.exited(2_000)
  }
}

/** Runs a command to its end and answers with what it said. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly within: number; readonly env?: NodeJS.ProcessEnv },
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = new Child(command, args, options.env)
  try {
    const exit = await child.exited(options.within)
    return { code: exit.code, output: child.output() }
  } finally {
    child.signal('SIGKILL')
  }
}
