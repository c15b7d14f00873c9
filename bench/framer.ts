import { ReplyFramer } from '../src/protocol/reply-framer.ts'
import { RequestFramer, framed } from '../src/protocol/request-framer.ts'
import { defaultRequestLimits } from '../src/protocol/resp.ts'

/**
 * Million frames a second through the framers, one core, no sockets.
 *
 *     npm run bench:framer
 */

const chunkBytes = 64 * 1024
const rounds = 7
const secondsPerRound = 0.4

/** Whole frames that fill about one chunk. */
function filled(frame: string): Buffer {
  return Buffer.from(frame.repeat(Math.floor(chunkBytes / frame.length)))
}

function countRequests(framer: RequestFramer, chunk: Uint8Array): number {
  let count = 0
  let position = 0
  while (framer.next(chunk, position, chunk.length) === framed.request) {
    position = framer.position
    count++
  }
  return count
}

function countReplies(framer: ReplyFramer, chunk: Uint8Array): number {
  let count = 0
  let position = 0
  while (position < chunk.length) {
    position = framer.next(chunk, position, chunk.length)
    if (position < 0) return count
    count++
  }
  return count
}

/** The best of some rounds, in million frames a second: the others were disturbed. */
function best(once: () => number): number {
  let most = 0
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    const until = began + secondsPerRound * 1000
    let frames = 0
    while (performance.now() < until) for (let i = 0; i < 20; i++) frames += once()
    most = Math.max(most, frames / (performance.now() - began) / 1000)
  }
  return most
}

function report(what: string, bytes: Buffer, once: () => number): void {
  const frames = once()
  const rate = best(once)
  const megabytes = (rate * bytes.length) / Math.max(frames, 1)
  console.log(`${what.padEnd(40)} ${rate.toFixed(1).padStart(7)} M/s ${megabytes.toFixed(0)} MB/s`)
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`
}

const requests: Record<string, string> = {
  'GET key': `*2\r\n${bulk('GET')}${bulk('key:00123')}`,
  'SET key 100 bytes': `*3\r\n${bulk('SET')}${bulk('key:00123')}${bulk('v'.repeat(100))}`,
  'HSET with 10 fields': `*22\r\n${bulk('HSET')}${bulk('h')}${`${bulk('f1')}${bulk('value')}`.repeat(10)}`,
  'PING inline': 'PING\r\n',
}
const replies: Record<string, string> = {
  $3: bulk('abc'),
  '+OK': '+OK\r\n',
  ':12345': ':12345\r\n',
  $100: bulk('v'.repeat(100)),
  'array of 10': `*10\r\n${bulk('value').repeat(10)}`,
  'map of 5': `%5\r\n${bulk('value').repeat(10)}`,
}

for (const [what, frame] of Object.entries(requests)) {
  const chunk = filled(frame)
  const framer = new RequestFramer(defaultRequestLimits)
  report(`request ${what}`, chunk, () => countRequests(framer, chunk))
}
for (const [what, frame] of Object.entries(requests)) {
  const whole = filled(frame)
  const half = Math.floor(whole.length / 2) + 3
  const [a, b] = [whole.subarray(0, half), whole.subarray(half)]
  const framer = new RequestFramer(defaultRequestLimits)
  const once = (): number => countRequests(framer, a) + countRequests(framer, b)
  report(`request ${what}, split chunks`, whole, once)
}
for (const [what, frame] of Object.entries(replies)) {
  const chunk = filled(frame)
  const framer = new ReplyFramer()
  report(`reply ${what}`, chunk, () => countReplies(framer, chunk))
}
