/** A promise together with the two functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (cause: unknown) => void
}

/** Makes a promise that is settled from outside. */
export function deferred<T>(): Deferred<T> {
  const parts: Partial<{ resolve: (value: T) => void; reject: (cause: unknown) => void }> = {}
  const promise = new Promise<T>((resolve, reject) => {
    parts.resolve = resolve
    parts.reject = reject
  })
  return { promise, ...(parts as Required<typeof parts>) }
}
