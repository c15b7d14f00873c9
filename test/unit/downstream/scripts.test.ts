import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/dispatcher.ts'
import { ScriptMemory, scriptName } from '../../../src/downstream/script-memory.ts'
import { encodeRequest } from '../../../src/protocol/request.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { kit, seen, type Client, type Kit } from './session-kit.ts'

watchLeaks()

const somebody: Identity = { name: 'default', auth: null }

function memory(maxBytes: number, ...bodies: readonly string[]): ScriptMemory {
  const found = new ScriptMemory(maxBytes)
  for (const body of bodies) found.remember(Buffer.from(body), somebody)
  return found
}

function bodies({ scripts }: { readonly scripts: ScriptMemory }): string[] {
  return scripts.list().map(({ body }) => Buffer.from(body).toString())
}

describe('the memory of scripts', () => {
  test('names a script as the server does', () => {
    // redis-cli script load 'return 1'
    expect(scriptName(Buffer.from('return 1'))).toBe('e0e1f9fabfc9d4800c877a703b823ac0578ff8db')
  })

  test('the one that was not used for the longest time goes first', () => {
    const scripts = memory(620, 'a', 'b', 'c')
    expect(bodies({ scripts })).toEqual(['c', 'b', 'a'])
    scripts.touch(Buffer.from(scriptName(Buffer.from('a')).toUpperCase()))
    scripts.remember(Buffer.from('b'), somebody)
    scripts.remember(Buffer.from('d'), somebody)
    expect(bodies({ scripts })).toEqual(['d', 'b', 'a'])
    expect(scripts.bytes).toBe(603)
  })

  test('one that is used again and again moves behind what came between', () => {
    const scripts = memory(620, 'a', 'b')
    const name = Buffer.from(scriptName(Buffer.from('a')))
    for (let i = 0; i < 3; i++) scripts.touch(name)
    scripts.remember(Buffer.from('c'), somebody)
    scripts.touch(name)
    expect(bodies({ scripts })).toEqual(['a', 'c', 'b'])
  })

  test('one that is too large drives none of the others out', () => {
    const scripts = memory(620, 'a', 'b', 'x'.repeat(421))
    expect(bodies({ scripts })).toEqual(['b', 'a'])
    scripts.forget()
    expect([bodies({ scripts }), scripts.bytes]).toEqual([[], 0])
  })

  test('keeps nothing of the buffer that a body came in', () => {
    const chunk = Buffer.from('..return 1..')
    const scripts = new ScriptMemory(1_000)
    scripts.remember(chunk.subarray(2, 10), somebody)
    chunk.fill(0)
    expect(bodies({ scripts })).toEqual(['return 1'])
  })
})

/** Sends a request and has it answered on the lane. */
async function answered(on: Kit, client: Client, request: string, reply: string): Promise<void> {
  client.socket.write(encodeRequest(request.split('~')))
  const lane = await on.lane(client)
  lane.answer(reply)
  await client.hears(reply)
}

describe('what a client sends', () => {
  const sha = scriptName(Buffer.from('return x'))

  test.each([
    ['EVAL~return x~0', ':1\r\n', ['return x']],
    ['EVAL_RO~return x~0', '$-1\r\n', ['return x']],
    ['SCRIPT~LOAD~return x', `$40\r\n${sha}\r\n`, ['return x']],
    ['EVAL~return x~0', `-ERR user_script:1: no x script: ${sha}, on @user_script:1.\r\n`, 1],
    ['EVAL~return x~0', '-ERR Error compiling script (new function)\r\n', []],
    ['EVAL~return x~0', '-NOPERM this user has no permissions\r\n', []],
    ['SCRIPT~LOAD', '-ERR wrong number of arguments\r\n', []],
    ['SCRIPT~EXISTS~return x', '*1\r\n:0\r\n', []],
    ['EVALSHA~return x~0', '-NOSCRIPT no\r\n', []],
  ])('%s answered %j', async (request, reply, expected) => {
    const on = await kit()
    const client = await on.client()
    await answered(on, client, request, reply)
    expect(bodies(on)).toEqual(expected === 1 ? ['return x'] : expected)
  })

  test.each([[[`EVALSHA ${sha} 0`]], [['GET a', `EVALSHA ${sha} 0`, 'GET b']]])(
    'EVALSHA keeps its script from being forgotten: %j',
    async (requests) => {
      const on = await kit()
      const client = await on.client()
      await answered(on, client, 'EVAL~return x~0', ':1\r\n')
      await answered(on, client, 'EVAL~return y~0', ':1\r\n')
      client.send(...requests)
      const lane = await on.lane(client, requests.length)
      requests.forEach(() => lane.answer(':1\r\n'))
      await client.hears(':1\r\n'.repeat(requests.length))
      expect(bodies(on)).toEqual(['return x', 'return y'])
    },
  )

  test('SCRIPT FLUSH forgets, once the server has', async () => {
    const on = await kit()
    const client = await on.client()
    await answered(on, client, 'EVAL~return x~0', ':1\r\n')
    await answered(on, client, 'SCRIPT~FLUSH', '-NOPERM no\r\n')
    expect(bodies(on)).toHaveLength(1)
    await answered(on, client, 'SCRIPT~FLUSH', '+OK\r\n')
    expect(bodies(on)).toEqual([])
  })

  test('a transaction in one piece: once it has run', async () => {
    const on = await kit()
    const client = await on.client()
    const run = Buffer.concat(
      [['MULTI'], ['EVAL', 'return x', '0'], ['EXEC']].map((each) => encodeRequest(each)),
    )
    client.socket.write(run)
    const lane = await on.lane(client)
    const [exchange] = lane.inFlight
    exchange?.onReply(Buffer.from('+OK\r\n'), 0, 5, false)
    exchange?.onReply(Buffer.from('+QUEUED\r\n'), 0, 9, false)
    expect(bodies(on)).toEqual([])
    exchange?.onReply(Buffer.from('*1\r\n:1\r\n'), 0, 8, true)
    expect(bodies(on)).toEqual(['return x'])
  })

  test.each([
    ['*1\r\n:1\r\n', ['return x']],
    ['*-1\r\n', []],
    ['-EXECABORT no\r\n', []],
  ])('a transaction step by step, EXEC answered %j', async (reply, expected) => {
    const on = await kit()
    const client = await on.client()
    for (const [request, said] of [
      [['MULTI'], '+OK\r\n'],
      [['EVAL', 'return x', '0'], '+QUEUED\r\n'],
      [['EXEC'], reply],
    ] as const) {
      client.socket.write(encodeRequest(request))
      const lease = await on.lease()
      lease.answer(said)
      await client.hears(said)
    }
    expect(bodies(on)).toEqual(expected)
    expect(on.current.leases.at(-1)?.released).toBe('clean')
  })

  test('a script with a large argument is streamed as any other command, and not remembered', async () => {
    const on = await kit({ streamAboveBytes: 1_000 })
    const client = await on.client()
    client.socket.write(encodeRequest(['EVAL', 'return x', '0', 'x'.repeat(5_000)]))
    const lease = await on.lease()
    await seen(() => lease.piped.endsWith('\r\n'))
    lease.answer(':1\r\n')
    await client.hears(':1\r\n')
    expect(bodies(on)).toEqual([])
  })

  test('nothing is kept where nothing may be kept', async () => {
    const on = await kit({ scriptBytes: 0 })
    const client = await on.client()
    await answered(on, client, 'EVAL~return x~0', ':1\r\n')
    expect(bodies(on)).toEqual([])
  })
})
