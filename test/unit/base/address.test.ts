import { expect, it } from 'vitest'
import { isUnusable, normalizeHost, parseAddress } from '../../../src/base/address.ts'

it.each([
  ['Redis-1.Example.', 'redis-1.example'],
  ['10.0.0.1', '10.0.0.1'],
  ['[2001:DB8::1]', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['fe80:0::1%eth0', 'fe80::1%eth0'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:0a00:0001', '10.0.0.1'],
  ['0:0:0:0:0:ffff:192.168.1.20', '192.168.1.20'],
  ['::ffff:0:0', '0.0.0.0'],
  ['no:address', 'no:address'],
  ['', ''],
])('%j is the host %j', (text, host) => {
  expect(normalizeHost(text)).toBe(host)
  expect(normalizeHost(host)).toBe(host)
})

it('an address in any spelling is the same address, and the unspecified one is unusable', () => {
  expect(parseAddress('[2001:DB8:0::0001]:6379')).toEqual({ host: '2001:db8::1', port: 6379 })
  for (const text of ['[0:0::0]:1', '[::ffff:0.0.0.0]:1']) {
    const address = parseAddress(text)
    expect(address !== null && isUnusable(address)).toBe(true)
  }
})
