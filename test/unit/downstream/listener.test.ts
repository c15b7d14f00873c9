import { connect } from 'node:net'

import { expect, test } from 'vitest'

import { Listener } from '../../../src/downstream/listener.ts'
import type { SessionContext } from '../../../src/downstream/session-context.ts'
import { DataPlaneCounters } from '../../../src/telemetry/counters.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { seen } from './session-kit.ts'

watchLeaks()

test('a client for whom there is no room hears why, and is closed though it has sent something', async () => {
  const context = { counters: new DataPlaneCounters(), clock: new VirtualClock() }
  const listen = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const
  const listener = new Listener(
    { listen, maxClients: 0, firstId: 1, idStep: 1 },
    context as unknown as SessionContext,
  )
  await listener.open()
  try {
    const [port] = listener.ports
    const socket = connect({ port: port ?? 0, host: '127.0.0.1' })
    let heard = ''
    socket.on('data', (chunk) => (heard += chunk.toString()))
    socket.write('*1\r\n$4\r\nPING\r\n'.repeat(100))
    await seen(() => socket.closed)
    expect(heard).toBe('-ERR max number of clients reached\r\n')
    await seen(() => context.clock.waiting === 0) // its other end is closed as well
    expect(context.counters.clientDisconnects['max-clients']).toBe(1)
  } finally {
    await listener.close(0)
  }
})
