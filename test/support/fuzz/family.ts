/**
 * What the fuzzer says, family by family: one template a line, words parted by blanks. A word in
 * braces is filled in by the generator: `{s}` a key that usually holds a string, `{v}` a value, and
 * so on (see `words.ts`). Times are so far away that no run sees them pass.
 */
export interface Family {
  readonly name: string
  /** How often, relative to the others. */
  readonly weight: number
  readonly templates: readonly string[]
  /**
   * own: touches only the keys it names, so that clients with keys of their own may do it side by
   * side · shared: sees or changes what others see.
   */
  readonly reach: 'own' | 'shared'
  /** Words may be left out or added, to see the server refuse. */
  readonly mutable: boolean
}

function lines(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
}

export function own(name: string, weight: number, text: string): Family {
  return { name, weight, templates: lines(text), reach: 'own', mutable: true }
}

export function exact(name: string, weight: number, text: string): Family {
  return { name, weight, templates: lines(text), reach: 'own', mutable: false }
}

export function shared(name: string, weight: number, text: string): Family {
  return { name, weight, templates: lines(text), reach: 'shared', mutable: false }
}
