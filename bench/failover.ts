import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startEmbeddedGroup, type EmbeddedGroup } from '../src/embedded/embedded-group.ts'
import { openPeers, requests, type Peer } from './generator/peer.ts'
import { median } from './stats.ts'
import { startMonitorProcess, startOurselves } from './targets/ourselves.ts'
import type { Origin } from './targets/target.ts'

/**
 * The gap of a failover that is ours: from what a sentinel says of the new master to the first reply
 * by it, with many clients waiting. What comes before is Sentinel's.
 *
 *     npm run bench:failover -- [--rounds 5] [--clients 1000]
 *
 * Sentinel speaks three times: when it has chosen the replica (which is no master yet), when it has
 * seen that it is the master now, and when it tells the world. A figure below zero means that the
 * clients were answered before it spoke.
 */

const words = ['+selected-slave', '+promoted-slave', '+switch-master'] as const

type Word = (typeof words)[number]

/** When each thing happened first, in milliseconds since the death of the master. */
interface Failover {
  readonly spoken: Readonly<Record<Word, number>>
  readonly firstReply: number
  /** When the last of the clients had its first reply. */
  readonly lastReply: number
}

const roundTimeoutMs = 60_000

/** Calls `fn` for each of those words of any sentinel. */
function listen(group: EmbeddedGroup, fn: (word: Word) => void): Socket[] {
  return group.sentinels.map(({ host, port }) => {
    const socket = connect({ host, port })
    let heard = ''
    socket.setEncoding('latin1')
    socket.on('error', () => undefined)
    socket.on('data', (text) => {
      heard += String(text)
      for (const word of words)
        if (heard.includes(`message\r\n$${word.length}\r\n${word}`)) fn(word)
    })
    socket.write(requests(['SUBSCRIBE', ...words]))
    return socket
  })
}

/** Every client asks all the time, one question at a time; `answered` is called after each reply. */
function askOn(peers: readonly Peer[], answered: (client: number) => void): () => void {
  const get = requests(['GET', 'failover'])
  let isOver = false
  for (const [client, peer] of peers.entries()) {
    peer.onFrame(() => {
      answered(client)
      // Not as fast as it goes: the clients and the machine are not what is measured.
      if (!isOver) setTimeout(() => peer.socket.write(get), 20)
    })
    peer.socket.write(get)
  }
  return () => {
    isOver = true
  }
}

async function oneFailover(group: EmbeddedGroup, peers: readonly Peer[]): Promise<Failover> {
  const [master] = group.nodes
  if (master === undefined) throw new Error('the group has no master')
  let killedAt = Infinity
  let firstReply = Infinity
  let lastReply = Infinity
  const since = (): number => performance.now() - killedAt
  const spoken = { '+selected-slave': NaN, '+promoted-slave': NaN, '+switch-master': NaN }
  const answered = new Set<number>()
  const sockets = listen(group, (word) => {
    if (Number.isNaN(spoken[word])) spoken[word] = since()
  })
  // Sentinel needs a second at least: within half of that only the old master can have answered.
  const stop = askOn(peers, (client) => {
    if (since() < 500) return
    firstReply = Math.min(firstReply, since())
    answered.add(client)
    if (answered.size === peers.length && lastReply === Infinity) lastReply = since()
  })
  await delay(1_000)
  killedAt = performance.now()
  group.kill(master, 'SIGKILL')
  while (lastReply === Infinity || Number.isNaN(spoken['+switch-master'])) {
    if (since() > roundTimeoutMs) throw new Error('no failover came to pass')
    await delay(20)
  }
  stop()
  for (const socket of sockets) socket.destroy()
  return { spoken, firstReply, lastReply }
}

/** A group, a monitor and a proxy of its own for each round: nothing is left of the one before. */
async function round(clients: number): Promise<Failover> {
  const group = await startEmbeddedGroup()
  const folder = mkdtempSync(join(tmpdir(), 'switchmaster-bench-'))
  const [node] = group.nodes
  const [sentinel] = group.sentinels
  if (node === undefined || sentinel === undefined) throw new Error('the group has no nodes')
  const origin: Origin = {
    port: node.address.port,
    pid: node.pid,
    masterName: group.masterName,
    sentinelPort: sentinel.port,
    folder,
    close: () => group.close(),
  }
  const monitor = startMonitorProcess(origin)
  try {
    const proxy = await startOurselves('multiplexed', origin, monitor.feed)
    try {
      const peers = await openPeers(proxy.port, clients)
      const failover = await oneFailover(group, peers)
      for (const peer of peers) peer.close()
      return failover
    } finally {
      await proxy.stop()
    }
  } finally {
    await monitor.child.stop()
    await group.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '1000' },
  },
})
const failovers: Failover[] = []
for (let i = 1; i <= Number(values.rounds); i++) {
  const failover = await round(Number(values.clients))
  failovers.push(failover)
  console.log(`${i}: ${failover.firstReply.toFixed(0)} ms from the death to the first reply`)
}
for (const word of words) {
  const first = median(failovers.map(({ firstReply, spoken }) => firstReply - spoken[word]))
  const last = median(failovers.map(({ lastReply, spoken }) => lastReply - spoken[word]))
  console.log(
    `median from ${word}: ${first.toFixed(1)} ms to the first reply, ` +
      `${last.toFixed(1)} ms until every client has one`,
  )
}
