import { createInterface } from 'node:readline'
import { pause, say } from './loops.ts'
import { openPeers, Peer, requests } from './peer.ts'

/** After each step the parent looks at the proxy, and says when to go on. */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function step(name: string, began: number): Promise<void> {
  say({ says: 'step', step: name, ms: performance.now() - began })
  await lines.next()
}

/** Many clients that have been answered once and then do nothing. */
export async function runConnect(port: number, clients: number): Promise<void> {
  const began = performance.now()
  const peers = await openPeers(port, clients)
  await step('accepted', began)
  const ping = requests(['GET', 'nothing'])
  // a few at a time: here it is the clients that count, not the burst
  for (let i = 0; i < peers.length; i += 200) {
    await Promise.all(peers.slice(i, i + 200).map((peer) => peer.ask(ping, 1)))
  }
  await step('answered', began)
  for (const peer of peers) peer.close()
}

/** One client that asks for much and reads nothing of it. */
export async function runStalled(port: number, key: string, count: number): Promise<void> {
  const peer = await Peer.open(port)
  peer.closing = true // it may be closed for its silence
  peer.socket.pause()
  const get = requests(['GET', key])
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    peer.socket.write(get)
    await pause(1)
  }
  await pause(1000)
  await step('stalled', began)
  peer.close()
}

/** One large value, in and out. */
export async function runLarge(port: number, bytes: number, key: string): Promise<void> {
  const peer = await Peer.open(port)
  await peer.ask(requests(['GET', 'nothing']), 1)
  const value = Buffer.alloc(bytes, 'x')
  const head = `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${bytes}\r\n`
  const request = Buffer.concat([Buffer.from(head), value, Buffer.from('\r\n')])
  await step('ready', performance.now())
  let began = performance.now()
  await peer.ask(request, 1)
  await step('in', began)
  began = performance.now()
  await peer.ask(requests(['GET', key]), 1)
  await step('out', began)
  peer.close()
}
