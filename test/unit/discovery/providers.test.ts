import { describe, expect, it } from 'vitest'
import { ownAddresses, parseAddress } from '../../../src/base/address.ts'
import { Backoff } from '../../../src/base/backoff.ts'
import { assertMove } from '../../../src/base/transitions.ts'
import { staticProvider } from '../../../src/discovery/providers.ts'

describe('what discovery is built of', () => {
  it('a static provider gives its list, which callers may change', async () => {
    const provider = staticProvider([{ host: 'a', port: 1 }])
    const list = await provider.current()
    list.pop()
    expect(await provider.current()).toEqual([{ host: 'a', port: 1 }])
    provider.close()
  })

  it('waits grow to a limit, stay within the upper half, and begin again', () => {
    for (const draw of [0, 1]) {
      const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, () => draw)
      const ceilings = [100, 200, 400, 800, 1_000, 1_000]
      const part = draw === 0 ? 0.5 : 1
      expect(ceilings.map(() => backoff.next())).toEqual(ceilings.map((ms) => ms * part))
      backoff.reset()
      expect(backoff.next()).toBe(100 * part)
    }
  })

  it('a move that no table lists is a mistake', () => {
    const table = { open: ['shut'], shut: [] } as const
    expect(() => {
      assertMove(table, 'open', 'shut')
    }).not.toThrow()
    expect(() => {
      assertMove(table, 'shut', 'open')
    }).toThrow('illegal move from shut to open')
  })

  it.each([
    ['h:1', { host: 'h', port: 1 }],
    ['[::1]:6379', { host: '::1', port: 6379 }],
    ['::1:6379', null],
    ['h', null],
    [':1', null],
    ['h:0', null],
    ['h:65536', null],
  ])('%s as an address', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })

  it('a listener on 0.0.0.0 has many names, another one', () => {
    const all = ownAddresses({ host: '0.0.0.0', port: 7 })
    expect(all).toContainEqual({ host: '127.0.0.1', port: 7 })
    expect(all).toContainEqual({ host: '::1', port: 7 })
    expect(ownAddresses({ host: '10.0.0.1', port: 7 })).toEqual([{ host: '10.0.0.1', port: 7 }])
  })
})
