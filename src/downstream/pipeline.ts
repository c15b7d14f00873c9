import { framed, RequestFramer } from '../protocol/request-framer.ts'
import { localTraits, type Traits } from '../routing/traits.ts'
import type { Session } from './session.ts'
import { SessionExchange } from './session-exchange.ts'

/** Of a pipeline as a whole: it may be sent once, and is split before anybody judges it. */
const reads: Traits = { ...localTraits, name: 'pipeline', replay: 'never' }

/** By whether one of its commands may write. */
export const pipelineTraits = { reads, writes: { ...reads, write: true } } as const

/** May this command be one of a pipeline, as far as its name decides it? */
export function isPlain(traits: Traits): boolean {
  return traits.route === 'lane' && (traits.verb === null || traits.verb === 'script-use')
}

/** The commands of a pipeline that are not answered, each by itself. */
export function restOf(session: Session, pipeline: SessionExchange): SessionExchange[] {
  const { bytes, end, state } = pipeline
  const { requestLimits, router } = session.context
  const framer = new RequestFramer(requestLimits)
  const rest: SessionExchange[] = []
  let position = pipeline.start
  for (let i = 0; framer.next(bytes, position, end) === framed.request; i++) {
    position = framer.position
    if (i < pipeline.answered) continue
    const { nameStart, nameEnd, subStart, subEnd, start } = framer
    const traits = router.lookup(bytes, nameStart, nameEnd, subStart, subEnd)
    const each = new SessionExchange(session, traits, state, bytes, start, position)
    each.attempts = pipeline.attempts
    each.abandoned = pipeline.abandoned
    rest.push(each)
  }
  return rest
}
