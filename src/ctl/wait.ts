import type { Clock } from '../base/clock.ts'
import { ProxyError } from '../base/errors.ts'

const lookEveryMs = 100

/** Looks until there is nothing left to wait for; at the deadline REFUSED with what was missing. */
export async function waitFor(
  clock: Clock,
  withinMs: number,
  missing: () => Promise<string | null>,
): Promise<void> {
  const deadline = clock.now() + withinMs
  for (;;) {
    const reason = await missing()
    if (reason === null) return
    if (clock.now() >= deadline) {
      throw new ProxyError('REFUSED', `not within ${String(withinMs / 1_000)} s: ${reason}`)
    }
    await new Promise<void>((resolve) => {
      // Not the clock's own timer: that one does not keep a process alive.
      setTimeout(resolve, lookEveryMs)
    })
  }
}
