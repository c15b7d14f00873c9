import { Turn } from '../../../src/base/turn.ts'
import { Gate, type GateObserver, type GateOptions } from '../../../src/failover/gate.ts'
import { FakeGeneration } from '../support/fake-generation.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** What the gate has reported, in words. */
export interface Heard {
  readonly moves: string[]
  readonly symptoms: string[]
  readonly replays: string[]
  readonly refused: string[]
  inDoubt: number
}

export interface GateKit {
  readonly gate: Gate
  readonly clock: VirtualClock
  readonly heard: Heard
  /** Makes the generation to the next master; it is not admitted yet. */
  readonly next: () => FakeGeneration
}

export const windowMs = 1_000

export const defaultGateOptions: GateOptions = {
  maxCommands: 1_000,
  maxBytes: 1_000_000,
  holdWindowMs: () => windowMs,
  drainBatch: 100,
  inDoubt: 'error',
}

/** A gate as it is at the start: holding, with a clock that stands still. */
export function gateKit(options: Partial<GateOptions> = {}): GateKit {
  const clock = new VirtualClock()
  const heard: Heard = { moves: [], symptoms: [], replays: [], refused: [], inDoubt: 0 }
  const observer: GateObserver = {
    onMove: (from, to, heldMs) => heard.moves.push(`${from} ${to.name} ${heldMs}`),
    onSymptom: (symptom, generation) => heard.symptoms.push(`${symptom} ${generation?.number}`),
    onIdentityRefused: () => undefined,
    onReplay: (by) => heard.replays.push(by),
    onInDoubt: () => heard.inDoubt++,
    onRefused: (why) => heard.refused.push(why),
  }
  const gate = new Gate({ ...defaultGateOptions, ...options }, clock, new Turn(), observer)
  let number = 0
  return { gate, clock, heard, next: () => new FakeGeneration(++number, gate) }
}
