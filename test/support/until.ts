export interface UntilOptions {
  /** Milliseconds after which the wait fails. */
  readonly within: number
  /** Milliseconds between two looks; 20 unless told. */
  readonly every?: number
  /** What is waited for, in words, for the message of the failure. */
  readonly what?: string
}

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>

/**
 * Looks at `condition` until it answers something truthy and returns that answer.
 * A condition that throws counts as "not yet"; what it threw last is the cause of the failure.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Truthy<T>> {
  const deadline = performance.now() + options.within
  let last: unknown
  for (;;) {
    try {
      const answer = await condition()
      if (answer) return answer as Truthy<T>
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() >= deadline) {
      const what = options.what ?? condition.toString().slice(0, 160)
      throw new Error(`not within ${options.within} ms: ${what}`, { cause: last })
    }
    await new Promise((resolve) => setTimeout(resolve, options.every ?? 20))
  }
}

/** The value of `promise`, or a failure that says what did not come in time. Owns and clears its timer. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
