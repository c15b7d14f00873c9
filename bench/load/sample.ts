/** What one run of one cell against one target gave. */
export interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Processor time per command, in microseconds. */
  readonly proxyUs: number
  readonly redisUs: number
}

/** What a load generator alone can tell. */
export interface LoadResult {
  readonly commands: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}
