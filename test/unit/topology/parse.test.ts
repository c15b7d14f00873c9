import { describe, expect, it } from 'vitest'
import { addressKey } from '../../../src/base/address.ts'
import type { Address } from '../../../src/base/address.ts'
import {
  addressFrom,
  announcedAs,
  count,
  infoFields,
  parseEvent,
  parseHello,
  parseMasterAddress,
  parseMasterFacts,
  parsePeers,
  parseReplicas,
  parseRole,
} from '../../../src/topology/parse.ts'

const outside: Address = { host: '172.17.0.2', port: 6379 }
const inside: Address = { host: '127.0.0.1', port: 16379 }
const map = new Map([[addressKey(outside), inside]])
const stamp = { at: 1, wall: 2 }
const node: Address = { host: '10.0.0.9', port: 1 }

describe('parseEvent', () => {
  it('takes +switch-master apart, which has no type', () => {
    expect(parseEvent('+switch-master', 'mm 10.0.0.1 6379 10.0.0.2 6380', new Map())).toEqual({
      shape: 'switch',
      name: '+switch-master',
      group: 'mm',
      from: { host: '10.0.0.1', port: 6379 },
      to: { host: '10.0.0.2', port: 6380 },
    })
  })

  it.each([
    ['+switch-master', 'mm 10.0.0.1 6379 10.0.0.2'],
    ['+switch-master', 'mm 10.0.0.1 6379 10.0.0.2 6380 more'],
    ['+switch-master', 'mm 10.0.0.1 6379 10.0.0.2 99999'],
    ['+odown', 'master mm 10.0.0.1'],
    ['+odown', 'master mm 10.0.0.1 x'],
    ['+promoted-slave', 'slave x 10.0.0.1 6379'],
  ])('refuses %s %s', (channel, payload) => {
    expect(parseEvent(channel, payload, new Map())).toBeNull()
  })

  it('knows the group of an instance, and the rest of the line', () => {
    const slave = 'slave 10.0.0.2:6380 10.0.0.2 6380 @ mm 10.0.0.1 6379'
    expect(parseEvent('+promoted-slave', slave, new Map())).toMatchObject({ group: 'mm', rest: '' })
    const odown = 'master mm 10.0.0.1 6379 #quorum 2/2'
    expect(parseEvent('+odown', odown, new Map())).toMatchObject({
      group: 'mm',
      rest: '#quorum 2/2',
    })
    const role = 'master mm 10.0.0.1 6379 new reported role is slave'
    expect(parseEvent('-role-change', role, new Map())).toMatchObject({
      rest: 'new reported role is slave',
    })
    expect(parseEvent('+tilt', '#tilt mode entered', new Map())).toMatchObject({ shape: 'other' })
  })
})

describe('scenario 22: the address map holds on every path', () => {
  const host = outside.host
  const port = String(outside.port)
  const fields = ['ip', host, 'port', port, 'config-epoch', '3', 'flags', 'master,o_down']

  it('events', () => {
    expect(parseEvent('+odown', `master mm ${host} ${port}`, map)).toMatchObject({
      address: inside,
    })
    const both = `mm ${host} ${port} ${host} ${port}`
    expect(parseEvent('+switch-master', both, map)).toMatchObject({ from: inside, to: inside })
  })

  it('hellos', () => {
    const line = `${host},${port},run,5,mm,${host},${port},4`
    expect(parseHello(line, node, stamp, map)).toMatchObject({
      sentinel: inside,
      master: inside,
      configEpoch: 4,
      group: 'mm',
      runId: 'run',
    })
  })

  it('answers of sentinels', () => {
    expect(parseMasterAddress([host, port], map)).toEqual(inside)
    expect(parseMasterFacts(fields, map)).toMatchObject({
      address: inside,
      configEpoch: 3,
      flags: ['master', 'o_down'],
    })
    expect(parseReplicas([fields], map)[0]?.address).toEqual(inside)
    expect(parsePeers([fields], map)[0]?.address).toEqual(inside)
  })

  it('ROLE', () => {
    const role = parseRole(node, ['slave', host, 6379, 'connected', 7], '', stamp, map)
    expect(role).toMatchObject({ role: 'slave', master: inside, linkUp: true, offset: 7 })
  })

  it('and the way back: of several names the first, of none the address itself', () => {
    const names = new Map([...map, ['db-1:6379', inside], ['[fd00::2]:6379', node]])
    expect(announcedAs(inside, names)).toEqual(outside)
    expect(announcedAs(node, names)).toEqual({ host: 'fd00::2', port: 6379 })
    expect(announcedAs(outside, names)).toEqual(outside)
  })
})

describe('what servers may say', () => {
  it('one host has one spelling', () => {
    expect(addressFrom('[::1]', '1', new Map())).toEqual({ host: '::1', port: 1 })
    expect(addressFrom('::ffff:10.0.0.1', '1', new Map())).toEqual({ host: '10.0.0.1', port: 1 })
    expect(addressFrom('Redis.Example.', '1', new Map())).toEqual({
      host: 'redis.example',
      port: 1,
    })
  })

  it.each(['', '-1', '1.5', '1e3', '70000', '0x10', ' 1'])('%j is no port', (port) => {
    expect(addressFrom('h', port, new Map())).toBeNull()
  })

  it.each([undefined, '', '-1', '1.5', '9999999999999999'])('%j is no number', (text) => {
    expect(count(text)).toBeNull()
  })

  it('an unknown group, an unknown form', () => {
    expect(parseMasterAddress(null, map)).toBeNull()
    expect(parseMasterAddress(['h'], map)).toBeNull()
    expect(parseMasterFacts(['ip', 'h', 'port', '1'], map)).toBeNull()
    expect(parseRole(node, 'PONG', '', stamp, map)).toBeNull()
    expect(parseRole(node, ['mystery'], '', stamp, map)).toBeNull()
    expect(parseHello('a,b,c', node, stamp, map)).toBeNull()
    expect(parseHello('h,1,r,0,mm,h,1,x', node, stamp, map)).toBeNull()
  })

  it('ROLE of a master, with its process and its failover state', () => {
    const info = 'run_id:abc\r\nrole:master\r\nmaster_failover_state:waiting-for-sync\r\n'
    expect(parseRole(node, ['master', 9, []], info, stamp, map)).toMatchObject({
      role: 'master',
      runId: 'abc',
      offset: 9,
      handingOver: true,
    })
    expect(infoFields(info).get('role')).toBe('master')
  })
})
