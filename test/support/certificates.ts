import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Paths of a certificate and its key in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** An authority of a test's own, made with openssl in a folder that `stop` removes. */
export class Authority {
  readonly ca: string
  readonly #dir: string

  constructor() {
    this.#dir = mkdtempSync(join(tmpdir(), 'switchmaster-certificates-'))
    this.ca = join(this.#dir, 'ca.crt')
    const files = ['-keyout', join(this.#dir, 'ca.key'), '-out', this.ca]
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-days',
      '30',
      '-subj',
      '/CN=test authority',
      ...files,
    )
  }

  /** For 127.0.0.1; with a negative number of days it has expired. */
  issue(name: string, days = 30): Certificate {
    const path = (ending: string): string => join(this.#dir, `${name}.${ending}`)
    writeFileSync(path('ext'), 'subjectAltName=IP:127.0.0.1\n')
    const request = ['-subj', `/CN=${name}`, '-keyout', path('key'), '-out', path('csr')]
    this.#openssl('req', ...NEW_KEY, ...request)
    const by = ['-CA', this.ca, '-CAkey', join(this.#dir, 'ca.key'), '-CAcreateserial']
    const what = ['-in', path('csr'), '-extfile', path('ext'), '-out', path('crt')]
    this.#openssl('x509', '-req', ...what, ...by, '-days', String(days))
    return { cert: path('crt'), key: path('key') }
  }

  stop(): Promise<void> {
    rmSync(this.#dir, { recursive: true, force: true })
    return Promise.resolve()
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' })
  }
}

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes']
