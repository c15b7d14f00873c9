import { addressKey, sameAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import type { View } from '../topology/view.ts'

interface Followed {
  readonly configEpoch: number
  readonly master: Address | null
  readonly version: number
}

export type Verdict =
  | { readonly refused: string; readonly switched: false }
  | { readonly refused: null; readonly switched: boolean }

/**
 * Which views a reader follows. A monitor's views are in order by their version; those of another
 * monitor, or of one that was started again, by their epoch: a lower one, or none, is old news.
 */
export class EpochFence {
  readonly #followed = new Map<string, Followed>()
  /** Groups whose last view was refused: whoever sends such views is not to be listened to. */
  readonly #refused = new Set<string>()

  /** `first`: the first view of a connection, whose version says nothing about those before it. */
  check(view: View, epochRestart: boolean, first: boolean): Verdict {
    const known = this.#followed.get(view.group)
    const refused = known === undefined ? null : reasonAgainst(known, view, epochRestart, first)
    if (refused !== null) {
      this.#refused.add(view.group)
      // From here on this monitor's versions count, those of the one before do not.
      if (first && known !== undefined) {
        this.#followed.set(view.group, { ...known, version: view.version })
      }
      return { refused, switched: false }
    }
    this.#refused.delete(view.group)
    const { configEpoch, master, version } = view
    this.#followed.set(view.group, { configEpoch, master, version })
    return { refused: null, switched: !sameAddress(known?.master ?? null, master) }
  }

  /** Whether the last view of the group was followed. */
  trusts(group: string): boolean {
    return !this.#refused.has(group)
  }

  /** The highest epoch followed, by group. */
  epochs(): [group: string, configEpoch: number][] {
    return [...this.#followed].map(([group, known]) => [group, known.configEpoch])
  }
}

function reasonAgainst(
  known: Followed,
  view: View,
  epochRestart: boolean,
  first: boolean,
): string | null {
  if (known.master !== null && view.master === null) return 'it knows no master, and we do'
  if (!first && view.version < known.version) return 'it is older than the last one'
  if (view.configEpoch < known.configEpoch && !epochRestart) {
    const master = view.master === null ? 'none' : addressKey(view.master)
    return `it names ${master} at epoch ${String(view.configEpoch)}, and ${String(known.configEpoch)} was followed before`
  }
  return null
}
