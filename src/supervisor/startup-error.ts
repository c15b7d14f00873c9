import { reasonOf } from '../base/errors.ts'

/** The sentence for people who see that something could not begin. */
export function startupSentence(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return reasonOf(error)
  const where =
    'port' in error && 'address' in error
      ? `${String(error.address)}:${String(error.port)}`
      : 'address' in error
        ? String(error.address)
        : ''
  switch (error.code) {
    case 'EADDRINUSE':
      return `${where} is in use by another process: stop that one, or listen elsewhere`
    case 'EACCES':
      return `${where}: permission denied (ports below 1024 need a privilege)`
    case 'EADDRNOTAVAIL':
      return `${where} is not an address of this machine`
    default:
      return reasonOf(error)
  }
}
