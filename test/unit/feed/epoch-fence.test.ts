import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EpochFence } from '../../../src/feed/epoch-fence.ts'
import { emptyView } from '../../../src/topology/view.ts'
import type { View } from '../../../src/topology/view.ts'

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000)
console.info(`fast-check seed ${String(seed)} (FC_SEED=${String(seed)} repeats it)`)

function view(host: string | null, configEpoch: number, version: number): View {
  const master = host === null ? null : { host, port: 6379 }
  return { ...emptyView('mm'), master, configEpoch, version }
}

describe('EpochFence', () => {
  it('follows the first view, and says when the master is another', () => {
    const fence = new EpochFence()
    expect(fence.check(view('a', 1, 1), false, true)).toEqual({ refused: null, switched: true })
    expect(fence.check(view('a', 1, 2), false, false)).toEqual({ refused: null, switched: false })
    expect(fence.check(view('b', 2, 3), false, false)).toEqual({ refused: null, switched: true })
    expect(fence.epochs()).toEqual([['mm', 2]])
  })

  it('scenario 41: refuses the old view of a monitor that was started again', () => {
    const fence = new EpochFence()
    fence.check(view('b', 2, 30), false, true)
    expect(fence.check(view('a', 1, 3), false, true).refused).toMatch(/a:6379 at epoch 1, and 2/)
    expect(fence.trusts('mm')).toBe(false)
    expect(fence.check(view('a', 1, 4), false, false).refused).not.toBeNull()
    expect(fence.check(view('b', 2, 5), false, false)).toEqual({ refused: null, switched: false })
    expect(fence.check(view('b', 2, 4), false, false).refused).toMatch(/older than the last/)
    fence.check(view('b', 2, 6), false, false)
    expect(fence.trusts('mm')).toBe(true)
  })

  it('a monitor that was started again counts its versions anew', () => {
    const fence = new EpochFence()
    fence.check(view('b', 2, 30), false, true)
    expect(fence.check(view('b', 2, 1), false, true).refused).toBeNull()
    expect(fence.check(view('c', 3, 2), false, false)).toEqual({ refused: null, switched: true })
  })

  it('refuses to forget the master', () => {
    const fence = new EpochFence()
    fence.check(view('a', 0, 3), false, true)
    expect(fence.check(view(null, 0, 1), false, true).refused).toMatch(/knows no master/)
  })

  it('scenario 13: goes back with a monitor that says that epochs are counted anew', () => {
    const fence = new EpochFence()
    fence.check(view('a', 5, 3), false, true)
    expect(fence.check(view('b', 0, 4), true, false)).toEqual({ refused: null, switched: true })
  })

  it('never goes backwards without that word, whatever comes', () => {
    const step = fc.tuple(
      fc.constantFrom('a', 'b', null),
      fc.nat({ max: 5 }),
      fc.nat({ max: 9 }),
      fc.boolean(),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const fence = new EpochFence()
        let epoch = 0
        for (const [host, configEpoch, version, first] of steps) {
          if (fence.check(view(host, configEpoch, version), false, first).refused === null) {
            expect(configEpoch).toBeGreaterThanOrEqual(epoch)
            epoch = configEpoch
          }
        }
      }),
      { seed },
    )
  })
})
