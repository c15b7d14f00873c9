import { addReplica } from './add-replica.ts'
import type { Verb } from './context.ts'
import { failover } from './failover.ts'
import { hold } from './hold.ts'
import { init } from './init.ts'
import { reconcile } from './reconcile.ts'
import { release } from './release.ts'
import { removeReplica } from './remove-replica.ts'
import { resetSentinels } from './reset-sentinels.ts'
import { status } from './status.ts'
import { why } from './why.ts'

/** Every verb of `switchmaster ctl`, in the order of the help. */
export const ctlVerbs: readonly Verb[] = [
  status,
  why,
  failover,
  hold,
  release,
  init,
  reconcile,
  addReplica,
  removeReplica,
  resetSentinels,
]
