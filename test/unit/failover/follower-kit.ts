import { expect } from 'vitest'
import { addressKey, parseAddress, type Address } from '../../../src/base/address.ts'
import { Turn } from '../../../src/base/turn.ts'
import type { Generation } from '../../../src/dispatcher.ts'
import { Follower } from '../../../src/failover/follower.ts'
import { Gate } from '../../../src/failover/gate.ts'
import { FakeGeneration } from '../support/fake-generation.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { defaultGateOptions } from './gate-kit.ts'

export const graceMs = 100
export const first = address('10.0.0.1:6379')
export const second = address('10.0.0.2:6379')

export function address(text: string): Address {
  const found = parseAddress(text)
  if (found === null) throw new Error(`no address: ${text}`)
  return found
}

/** A gate and its follower, wired as in the data plane, with masters that a test opens by hand. */
export class Stage {
  readonly clock = new VirtualClock()
  readonly events: string[] = []
  readonly opened: FakeGeneration[] = []
  /** How masters answer to an attempt to open them; by default they do at once. */
  answer: (address: Address) => Promise<void> = () => Promise.resolve()
  /** What is done to a master before the gate opens to it. */
  prepare: (generation: Generation) => Promise<unknown> = () => Promise.resolve()
  isViewLive = true
  attempts = 0
  readonly gate: Gate
  readonly follower: Follower

  constructor() {
    this.gate = new Gate(defaultGateOptions, this.clock, new Turn(), {
      onMove: () => undefined,
      onSymptom: (symptom, generation) => this.follower.symptom(symptom, generation),
      onReplay: () => undefined,
      onInDoubt: () => undefined,
      onIdentityRefused: () => undefined,
      onRefused: () => undefined,
    })
    this.follower = new Follower(
      this.gate,
      (where) => this.#open(where),
      {
        switchGraceMs: graceMs,
        prepare: (generation) => this.prepare(generation),
        isViewLive: () => this.isViewLive,
      },
      this.clock,
      {
        onSwitch: (from, to) => this.events.push(`switch ${from?.number ?? 0} ${to.number}`),
        onResume: (generation) => this.events.push(`resume ${generation.number}`),
        onAttemptFailed: (where, cause) => this.events.push(`failed ${where} ${cause}`),
      },
    )
  }

  async #open(where: Address): Promise<Generation> {
    this.attempts++
    await this.answer(where)
    const generation = new FakeGeneration(this.opened.length + 1, this.gate, addressKey(where))
    this.opened.push(generation)
    return generation
  }

  generation(number: number): FakeGeneration {
    const found = this.opened[number - 1]
    if (found === undefined) throw new Error(`generation ${number} was not opened`)
    return found
  }

  get state(): string {
    return this.gate.state.name
  }

  settle(): Promise<void> {
    return this.clock.pass(0)
  }
}

export async function following(): Promise<Stage> {
  const stage = new Stage()
  stage.follower.follow(first)
  await stage.settle()
  expect(stage.state).toBe('open')
  stage.events.length = 0
  return stage
}
