import fc from 'fast-check'
import { test } from 'vitest'
import { knownCommands } from '../../../src/routing/classes.ts'
import { Router } from '../../../src/routing/router.ts'
import { look } from './look.ts'

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
const options = { seed, numRuns: 5_000 }
console.log(`router properties: SEED=${String(seed)}`)

const router = new Router()
const names = [...knownCommands.keys()]
const commands = new Set(names.filter((name) => !name.includes('|')))

/** A name of the table with every letter in either case. */
const inSomeCase = fc
  .tuple(fc.constantFrom(...names), fc.infiniteStream(fc.boolean()))
  .map(([name, upper]) => {
    const flips = upper[Symbol.iterator]()
    const written = name.replace(/[a-z]/g, (letter) =>
      flips.next().value === true ? letter.toUpperCase() : letter,
    )
    return { name, written }
  })

test('a name is found in every mixture of cases', () => {
  fc.assert(
    fc.property(inSomeCase, ({ name, written }) => {
      const [command = '', subcommand] = written.split('|')
      return look(router, command, subcommand) === knownCommands.get(name)?.traits
    }),
    options,
  )
})

test('a random name is never taken for another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 24 }), (name) => {
      const lower = name.toLowerCase()
      return look(router, name).name === (commands.has(lower) ? lower : '?')
    }),
    options,
  )
})

test('a name with one byte changed, added or left out is never taken for the old one', () => {
  const changed = fc.tuple(
    fc.constantFrom(...commands),
    fc.nat(),
    fc.integer({ min: -1, max: 127 }),
    fc.boolean(),
  )
  fc.assert(
    fc.property(changed, ([name, at, code, inserts]) => {
      const i = at % (name.length + 1)
      const byte = code === -1 ? '' : String.fromCharCode(code)
      const other = name.slice(0, i) + byte + name.slice(inserts ? i : i + 1)
      const lower = other.toLowerCase()
      return look(router, other).name === (commands.has(lower) ? lower : '?')
    }),
    options,
  )
})
