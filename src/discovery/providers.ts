import type { Address } from '../base/address.ts'

/** Where the addresses of the sentinels come from. */
export interface SentinelProvider {
  /** The list as it is now. May reject: then the last one stays in force. */
  current(): Promise<Address[]>
  close(): void
}

/** The list of the configuration, which does not change. Names in it are resolved at each connect. */
export function staticProvider(addresses: readonly Address[]): SentinelProvider {
  return {
    current: () => Promise.resolve([...addresses]),
    close() {
      // Nothing is open.
    },
  }
}
