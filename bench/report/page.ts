import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { cells as allCells } from '../cells.ts'
import { spread } from '../goals.ts'
import { middle, ratio, togetherUs, type CellResult, type Field, type Results } from '../results.ts'
import { median } from '../stats.ts'
import type { TargetName } from '../targets/target.ts'
import { chart } from './chart.ts'
import {
  extremeTables,
  goalTable,
  latencyTable,
  processorTable,
  throughputTable,
} from './tables.ts'

function placementText({ pinned }: Results): string {
  return pinned
    ? 'The load generator has core 0 to itself; redis-server and the proxy share core 1 ' +
        '(`taskset`). Placement decides half of every figure: so placed, runs are steadier, and ' +
        'what a proxy takes from Redis is seen. With a core of its own every proxy does better.'
    : '**Nothing was pinned to a core** (one core only, or no `taskset`): these figures depend ' +
        'on where the scheduler happened to put each process.'
}

/** How far the rounds lie apart in the median cell, for the reader who wonders. */
function spreadText({ cells }: Results): string {
  const spreads = cells.map((each) => spread(each, 'direct')).filter((each) => each >= 1)
  if (spreads.length === 0) return ''
  const percent = Math.round((median(spreads) - 1) * 100)
  return `Direct, the fastest round of a cell is ${percent} % above its slowest (median of the cells).`
}

/** What a run of a part of the benchmark, or one that was cut short, does not show. */
function gapsText({ cells, rounds }: Results): string {
  const names = (some: readonly { readonly name: string }[]): string =>
    some.map(({ name }) => name).join(', ')
  const left = allCells.filter(({ name }) => !cells.some(({ cell }) => cell.name === name))
  const short = cells.filter(({ samples }) => (samples.direct ?? []).length < rounds)
  return [
    left.length > 0 ? `- Cells not measured: ${names(left)}.\n` : '',
    short.length > 0 ? `- With fewer rounds: ${names(short.map(({ cell }) => cell))}.\n` : '',
  ].join('')
}

/** What is out of reach, by the floors of the same run; only of cells that were measured. */
function floorText(results: Results): string {
  const of = (name: string, figure: (cell: CellResult) => number): string => {
    const found = results.cells.find(({ cell }) => cell.name === name)
    return found === undefined ? '–' : figure(found).toFixed(2)
  }
  const over = (own: TargetName, peer: TargetName, field?: Field) => (cell: CellResult) =>
    ratio(cell, own, peer, field)
  const least = (cell: CellResult): number =>
    middle(cell, 'floor', 'proxyUs') + middle(cell, 'multiplexed', 'redisUs')
  const together = (target: TargetName) => (cell: CellResult) => median(togetherUs(cell, target))
  const floorOf = (name: string): string =>
    `${of(name, least)} µs, where direct costs ${of(name, together('direct'))}, twemproxy ` +
    `${of(name, together('twemproxy'))} and we ${of(name, together('multiplexed'))}`
  const large = (size: string): string => {
    const name = `get c=50 P=1 ${size}`
    const tunnel = of(name, over('tunnel', 'direct'))
    return `${tunnel} and ${of(name, over('haproxy', 'direct'))} of direct with ${size}`
  }
  return `What the floors say of the goals that are not met. The least that a multiplexing proxy on Node can
cost is that of the echo and what Redis needs for commands that come together; they share a core with each other,
and the more they cost together the less is answered:

- c=50: at least ${floorOf('get c=50 P=1 3 B')}.
- c=500: at least ${floorOf('get c=500 P=1 3 B')}.
- c=5,000: at least ${floorOf('get c=5000 P=1 3 B')}.
- P=16: at least ${floorOf('get c=50 P=16 3 B')}.
- One client: a command is two more wake-ups than direct. The tunnel has a p50 of
  ${of('get c=1 P=1 3 B', over('tunnel', 'haproxy', 'p50Ms'))} of HAProxy's, we one of ${of('get c=1 P=1 3 B', over('multiplexed', 'haproxy', 'p50Ms'))}.
- Large values: every byte is read and written once more than direct. The tunnel and HAProxy, which do just
  that, reach ${large('16 KiB')}, ${large('1 MiB')}.
`
}

function pageText(results: Results): string {
  const { machine, rounds, seconds, missing } = results
  return `<!-- Written by \`npm run bench\`. The text is in bench/report/page.ts. -->

# Performance

How much a proxy costs, against Redis without one and against two proxies in C, all measured in the
same run: HAProxy in TCP mode, which is what most people put before a Sentinel group, and twemproxy,
which multiplexes as we do but follows nobody.

- ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel};
  ${machine.programs.join(', ')}
- \`npm run bench\`: ${rounds} rounds of ${seconds} s for each cell and target, interleaved: all
  targets of one cell run directly after each other, then the next cell, and all of it again; 5,000
  clients have four times as long, so that connecting them is a small part of it. A
  figure is the median of the rounds, a ratio the median of the rounds' ratios. ${spreadText(results)}
- ${placementText(results)}
- One process of each, one Redis for all, loopback, no persistence, no replicas.
${gapsText(results)}${missing.map((why) => `- Not measured: ${why}.\n`).join('')}
![Throughput and processor time](performance.svg)

## Goals

The worst of the goal's cells counts. All are for one multiplexed process.

${goalTable(results)}

## Throughput

Commands a second without a proxy, and the ratio to that with one. \`c\` clients, each with \`P\`
commands under way. \`mixed\`: one request in ten is a transaction. \`fan-out\`: messages delivered to
100 subscribers. \`lease\`: WATCH, then MULTI, INCR, EXEC, which needs a link of its own for a moment.

A ratio above 1 is no magic: many clients on few links save Redis more system calls than the proxy
costs.

${throughputTable(results)}

## Processor time per command

Microseconds from \`/proc\`, user and kernel: proxy + Redis = together. The Node echo answers every
request with a constant and has no Redis behind it: one read, into memory that is shared as ours is, and
one write for each batch of a client. That is what a server on Node costs before it does anything. The
Node tunnel passes bytes between a client and a link of its own and looks at nothing; it uses \`node:net\`
as most programs do.

${floorText(results)}
${processorTable(results)}

## Latency

p50 / p99 / p99.9 in milliseconds, under the load of the cell (a closed loop at full speed, so the
more clients, the longer each waits). With P > 1 it is the time of the whole batch.

${latencyTable(results)}

## Memory, and other extremes

Each with a freshly started proxy. \`direct\` is Redis itself.

${extremeTables(results)}

## What was tried

Processor time per command, proxy and Redis together, medians of five to sixty interleaved rounds of
0.3 to 1 s on the machine above, between two builds as \`npm run bench:guard\` compares them; no command prints
the rows of the echo, of connecting and of the flags of Node, which were measured by hand. No row is of the run that the rest of this page shows.

| | µs | kept |
| --- | ---: | --- |
| GET 3 B, c=50: one link a lane instead of two | 11.2 instead of 13.3 | for small commands |
| GET 1 KiB, c=50: 1, 2, 4, 8 links | 11.1, 12.3, 13.2, 14.9 | one |
| GET 16 KiB, c=50: 1, 2, 4, 8 links | 22.3, 21.7, 20.1, 23.6 | up to four |
| GET 16 KiB, c=50: what a link reads is written over | 19.6 instead of 37.2 | yes |
| GET 1 MiB, c=50: large replies go where they lie, not by a copy | 770 instead of 1,560 | yes |
| SET 16 KiB, c=50: memory of requests is used again | 24.8 instead of 37.5 | yes |
| SET 1 MiB, c=50: parts leave from where they were read, 64 KiB each | 1,370 instead of 1,840 | no |
| the same, 256 KiB each | 970 | yes |
| GET, c=1: a lone command leaves at once | 67 instead of 77 | yes |
| the same: no callback for what the kernel took at once | 85 instead of 88 | yes |
| EVALSHA, c=50: the way of plain commands | 13.7 instead of 15.1 | yes |
| GET 3 B, c=50, P=16: pipelined commands go as one piece | 1.06 instead of 1.28 | yes |
| the same, P=100 | 0.64 instead of 0.97 | yes |
| GET 3 B, c=500: one framer for all clients, less memory touched | 19.1 instead of 20.9 | yes |
| SET 3 B, c=500: fewer objects a client, made when needed | 20.6 instead of 21.8 | yes |
| SET 3 B, c=50, P=16: requests of up to 1 KiB are not put into parts | 1.20 instead of 1.31 | yes |
| MULTI, INCR, EXEC behind WATCH, c=50: one piece on the link that watches | 24.1 instead of 41.4 | yes |
| to connect, ask once and leave (the proxy alone, best of 11): one socket object, no shutdown | 94 instead of 113 | yes |
| GET, c=50: the next write waits for the replies of the last | 11.5 instead of 11.2 | no |
| GET, c=500: a young generation of 64 MiB | 16.0 instead of 14.2 | no |
| GET, c=500: a young generation of 2 MiB | 18.8 instead of 15.1 | no |
| GET, c=500: a garbage collector with one thread, twice | 13.3 instead of 14.2, 15.0 instead of 15.1 | no |
| GET, c=50: the program on large pages | 13.6 instead of 13.6 | no |
| an echo: past the streams of Node, straight to the handle | 10.5 instead of 10.6 | no |
| SET 3 B, c=50 and c=500: the same for replies; Node 26 does a part of it by itself | 11.3 instead of 11.5, 16.8 instead of 16.9 | no |
| SET 3 B, P=16: the same; a write reaches the handle in another way in Node 26 than in 20, and a mistake there is a torn reply | 1.16 instead of 1.19 | no |
| SET 3 B, c=500: what a turn will write is touched once before it is written | 21.6 instead of 21.9 | no |

## How to run it

\`\`\`sh
npm run bench                                  # all of it, writes this page
npm run bench -- --quick                       # does it work at all? a few minutes
npm run bench -- --cells 'get c=50,large' --targets haproxy,multiplexed --rounds 3
npm run bench:profile -- 'get c=50 P=1 3 B'    # where our time goes
npm run bench:failover                         # the gap of a failover, with 1,000 clients waiting
\`\`\`

It needs redis-server and redis-benchmark, and for the peers the Debian packages \`haproxy\` and
\`nutcracker\`; a peer that is missing is left out and named. It is a benchmark, not a test: nothing
fails when a figure is bad.
`
}

/** Writes performance.md and performance.svg. */
export async function writePage(results: Results, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'performance.md')
  const config = await resolveConfig('docs/performance.md')
  writeFileSync(path, await format(pageText(results), { ...config, filepath: path }))
  writeFileSync(join(folder, 'performance.svg'), chart(results))
}
