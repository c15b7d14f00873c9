/** What the generator process is told to do; one JSON object as its argument. */
export type Spec =
  | {
      readonly what: 'mixed' | 'lease' | 'fan-out'
      readonly port: number
      readonly clients: number
      readonly pipeline: number
      readonly valueBytes: number
      readonly seconds: number
    }
  | { readonly what: 'connect'; readonly port: number; readonly clients: number }
  | {
      readonly what: 'stalled'
      readonly port: number
      readonly key: string
      readonly requests: number
    }
  | { readonly what: 'large'; readonly port: number; readonly bytes: number; readonly key: string }

/** What it says, one JSON object a line. A step is confirmed by a line on its standard input. */
export type Word =
  | { readonly says: 'begin' }
  | { readonly says: 'step'; readonly step: string; readonly ms: number }
  | {
      readonly says: 'end'
      readonly commands: number
      readonly perSecond: number
      readonly p50Ms: number
      readonly p99Ms: number
      readonly p999Ms: number
    }
