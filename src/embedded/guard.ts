import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'

/**
 * Ends our servers and removes their folder when this process is gone, however it went: a shell in
 * a session of its own reads the pids from a pipe; when the pipe closes, because we closed it or
 * because the kernel did it for us after a SIGKILL, it kills what is left and removes the folder.
 * SIGKILL is right here: the data is throw-away, and it also ends a server that was stopped.
 */
const script = `
pids=
while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    del) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
for p in $pids; do kill -9 "$p" 2>/dev/null; done
rm -rf -- "$1"
`

/** Watches over children that must not outlive us. */
export class Guard {
  readonly #shell: ChildProcess
  readonly #ended: Promise<void>

  /** `folder` is removed at the end: it must be ours alone. */
  constructor(folder: string) {
    this.#shell = spawn('/bin/sh', ['-c', script, 'guard', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    this.#shell.stdin?.on('error', () => undefined)
    this.#ended = new Promise((resolve) => {
      this.#shell.once('close', () => {
        resolve()
      })
      this.#shell.once('error', () => {
        resolve()
      })
    })
  }

  add(pid: number): void {
    this.#shell.stdin?.write(`add ${pid}\n`)
  }

  /** A child that has ended: its pid may soon be somebody else's. */
  remove(pid: number): void {
    this.#shell.stdin?.write(`del ${pid}\n`)
  }

  /** Ends all that is left; resolves when the folder is gone. */
  async close(): Promise<void> {
    this.#shell.stdin?.end()
    await this.#ended
  }
}
