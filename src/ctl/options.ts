import { parseAddress } from '../base/address.ts'
import type { Address } from '../base/address.ts'
import { ProxyError } from '../base/errors.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** The flags of a verb's own. What cannot be read is a ProxyError CONFIG: wrong usage. */
export class VerbOptions {
  readonly #given: Readonly<Record<string, unknown>>

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given
  }

  has(key: string): boolean {
    return this.#given[key] === true
  }

  text(key: string): string | null {
    const value = this.#given[key]
    return typeof value === 'string' ? value : null
  }

  /** Milliseconds. */
  duration(key: string): number | null {
    const text = this.text(key)
    if (text === null) return null
    const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text)
    const unit = units[match?.[2] ?? '']
    if (unit === undefined) throw wrong(key, text, 'a duration, like 500ms, 10s, 2m')
    return Number(match?.[1]) * unit
  }

  count(key: string): number | null {
    const text = this.text(key)
    if (text === null) return null
    if (!/^[1-9]\d{0,5}$/.test(text)) throw wrong(key, text, 'a whole number above 0')
    return Number(text)
  }

  address(key: string): Address | null {
    const text = this.text(key)
    return text === null ? null : addressIn(text, key)
  }

  addresses(key: string): readonly Address[] {
    const parts = (this.text(key) ?? '').split(',').map((part) => part.trim())
    return parts.filter((part) => part !== '').map((part) => addressIn(part, key))
  }
}

export function addressIn(text: string, what: string): Address {
  const address = parseAddress(text)
  if (address === null) throw wrong(what, text, 'host:port')
  return address
}

function wrong(key: string, text: string, allowed: string): ProxyError {
  const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return new ProxyError(
    'CONFIG',
    `${flag}: ${JSON.stringify(text)} is not allowed; allowed: ${allowed}`,
  )
}
