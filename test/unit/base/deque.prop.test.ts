import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deque } from '../../../src/base/deque.ts'

type Step = { readonly op: 'push' | 'unshift' | 'shift'; readonly times: number }

const steps = fc.array(
  fc.record<Step>({
    op: fc.constantFrom('push', 'unshift', 'shift'),
    times: fc.integer({ min: 1, max: 3000 }),
  }),
  { maxLength: 30 },
)

test('a deque is an array with cheap ends, however it grew and shrank', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const deque = new Deque<number>()
      const model: number[] = []
      let next = 0
      for (const { op, times } of script) {
        for (let i = 0; i < times; i++) {
          if (op === 'shift') {
            if (deque.shift() !== model.shift()) return false
          } else {
            deque[op](next)
            model[op](next++)
          }
        }
        expect(deque.size).toBe(model.length)
        expect(deque.peek()).toBe(model[0])
        expect(deque.at(model.length - 1)).toBe(model.at(-1))
      }
      expect(deque.drain()).toEqual(model)
      return true
    }),
    { numRuns: 100, verbose: true },
  )
})
