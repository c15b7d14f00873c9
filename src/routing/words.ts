/**
 * Reading the arguments of a command as the server reads them. For the cold path only.
 */

/**
 * The argument as the lower-case word that the server compares options with: it compares C
 * strings, so a NUL byte ends it (`BLOCK\0x` is BLOCK). Empty when there is no such argument.
 */
export function wordAt(args: readonly Uint8Array[], index: number): string {
  const arg = args[index]
  if (arg === undefined) return ''
  const nul = arg.indexOf(0)
  const end = nul === -1 ? arg.length : nul
  // No option of any command is longer; a value may be, and need not be copied.
  return Buffer.from(arg.buffer, arg.byteOffset, Math.min(end, 64)).toString('latin1').toLowerCase()
}

/** The argument as the server's integers are written: no space, no plus, no leading zero. */
export function integerAt(args: readonly Uint8Array[], index: number): number | null {
  const arg = args[index]
  if (arg === undefined || arg.length > 20) return null
  const text = Buffer.from(arg).toString('latin1')
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : null
}

/** Are two arguments the same bytes? */
export function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

/** Is the key `args[index]` among the arguments `args[from, to)`? */
export function isAmong(
  args: readonly Uint8Array[],
  index: number,
  from: number,
  to: number,
): boolean {
  return args.slice(from, to).some((arg) => isSame(arg, args[index]))
}
