/** How a process ends when it is asked to. */
export interface ShutdownOptions {
  /** Closes everything gracefully. */
  readonly close: (signal: NodeJS.Signals) => Promise<void>
  /** After this time the process ends as it is. */
  readonly deadlineMs: number
  /** Told once, at the first signal. */
  readonly onBegin?: (signal: NodeJS.Signals) => void
  /** Which signals ask; SIGTERM and SIGINT by default. */
  readonly signals?: readonly NodeJS.Signals[]
  /** For tests. */
  readonly exit?: (status: number) => void
}

/** Terminals, npm and timeout(1) deliver one wish twice: within this time it counts once. */
const sameWishMs = 500

/**
 * At the first signal closes gracefully and exits with 0, or with 1 when closing failed or took
 * longer than the deadline; at the second exits at once.
 */
export function onShutdown(options: ShutdownOptions): void {
  const { signals = ['SIGTERM', 'SIGINT'], exit = exitNow } = options
  let closingSince: number | null = null
  const begin = (signal: NodeJS.Signals): void => {
    if (closingSince !== null) {
      if (performance.now() - closingSince > sameWishMs) exit(1)
      return
    }
    closingSince = performance.now()
    options.onBegin?.(signal)
    setTimeout(() => {
      exit(1)
    }, options.deadlineMs).unref()
    options.close(signal).then(
      () => {
        exit(0)
      },
      () => {
        exit(1)
      },
    )
  }
  for (const signal of signals) process.on(signal, begin)
}

function exitNow(status: number): void {
  process.exit(status)
}
