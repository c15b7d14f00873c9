import type { Router } from '../../../src/routing/router.ts'
import type { Traits } from '../../../src/routing/traits.ts'

/** A lookup as a session does it: the names lie somewhere in the bytes of a request. */
export function look(router: Router, name: string, subcommand?: string): Traits {
  const nameBytes = Buffer.from(name)
  const subBytes = Buffer.from(subcommand ?? '')
  const bytes = Buffer.concat([Buffer.from('*2\r\nA'), nameBytes, Buffer.from('z'), subBytes])
  const start = 5 + nameBytes.length + 1
  const subStart = subcommand === undefined ? -1 : start
  return router.lookup(bytes, 5, 5 + nameBytes.length, subStart, start + subBytes.length)
}
