import type { ChildProcess } from 'node:child_process'
import type { Worker } from 'node:cluster'
import cluster from 'node:cluster'

/**
 * node:cluster hands an accepted connection to a worker with a message and forgets it when the
 * worker dies before it says that it took it: the client of that connection would wait for ever.
 * That is the fate of every client that comes back in the moments in which a worker has just
 * crashed. So we remember what is under way, and give it to another worker (or close it).
 *
 * The shape of the messages is that of Node's lib/internal/cluster (`act: 'newconn'`, `seq`, `ack`);
 * were it to change, nothing would be remembered, and all would be as without this.
 */
interface Handoff {
  readonly cmd: 'NODE_CLUSTER'
  readonly act: 'newconn'
  readonly seq: number
}

type Send = (...args: unknown[]) => boolean

interface Handle {
  close(): void
}

/** Watches over the connections that are handed to this worker. */
export function rescueHandoffs(worker: Worker): void {
  const child: ChildProcess = worker.process
  const underway = new Map<number, { readonly message: Handoff; readonly handle: Handle }>()
  const send = child.send.bind(child) as Send
  Object.assign(child, {
    send: (...args: unknown[]): boolean => {
      const [message, handle] = args
      if (isHandoff(message) && isHandle(handle)) underway.set(message.seq, { message, handle })
      return send(...args)
    },
  })
  child.on('internalMessage', (message: { readonly ack?: number }) => {
    if (message.ack !== undefined) underway.delete(message.ack)
  })
  child.once('exit', () => {
    for (const { message, handle } of underway.values()) giveToAnother(worker, message, handle)
    underway.clear()
  })
}

function giveToAnother(dead: Worker, message: Handoff, handle: Handle): void {
  const others = Object.values(cluster.workers ?? {})
  const other = others.find((worker) => worker && worker !== dead && worker.isConnected())
  if (other === undefined) {
    handle.close()
    return
  }
  // Its acknowledgement reaches the callback that waits for the dead one's: that closes our end.
  const send = other.process.send.bind(other.process) as Send
  send(message, handle)
}

function isHandoff(message: unknown): message is Handoff {
  if (typeof message !== 'object' || message === null || !('act' in message)) return false
  return message.act === 'newconn' && 'seq' in message && typeof message.seq === 'number'
}

function isHandle(handle: unknown): handle is Handle {
  return typeof handle === 'object' && handle !== null && 'close' in handle
}
