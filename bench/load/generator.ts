import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Spec, Word } from '../generator/spec.ts'
import { start } from '../targets/child.ts'

const script = fileURLToPath(new URL('../generator/main.js', import.meta.url))

/** Runs our own generator at its place; it waits after each of its steps until `onWord` is done. */
export async function runGenerator(
  spec: Spec,
  onWord: (word: Word) => void | Promise<void>,
): Promise<void> {
  const child = start(
    'load',
    process.execPath,
    [script, JSON.stringify(spec)],
    ['pipe', 'pipe', 'inherit'],
  )
  const { stdin, stdout } = child.process
  if (stdin === null || stdout === null) throw new Error('the generator has no pipes')
  stdin.on('error', () => undefined)
  const ended = new Promise<number | null>((done) => child.process.once('close', done))
  for await (const line of createInterface({ input: stdout })) {
    const word = JSON.parse(line) as Word
    await onWord(word)
    if (word.says === 'step') stdin.write('go\n')
  }
  const status = await ended
  if (status !== 0) throw new Error(`the load generator ended with status ${String(status)}`)
}
