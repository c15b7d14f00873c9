import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'

import { linkDefaults, openLink } from '../../src/discovery/redis-link.ts'
import { Authority } from '../support/certificates.ts'
import { watchLeaks } from '../support/leaks.ts'

watchLeaks()

test('a server that wants a certificate of ours: refused with its alert, not with "closed"', async () => {
  const authority = new Authority()
  const { cert, key } = authority.issue('server')
  const [ca, own, secret] = [authority.ca, cert, key].map((path) => readFileSync(path))
  const server = createServer({ ca, cert: own, key: secret, requestCert: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const refusal = openLink({ host: '127.0.0.1', port }, { ...linkDefaults, tls: { ca } })
    await expect(refusal).rejects.toMatchObject({
      code: 'HANDSHAKE_FAILED',
      message: expect.stringContaining('alert certificate required') as string,
    })
  } finally {
    await new Promise((resolve) => server.close(resolve))
    await authority.stop()
  }
})
