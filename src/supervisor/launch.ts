import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import type { ChildHandle } from './child.ts'
import { rescueHandoffs } from './handoff.ts'
import type { PartName } from './part.ts'

/** The hidden word that tells our own program to take orders from its parent. */
export const supervisedFlag = '--supervised'

/** A part with no socket to share. Throws what the system says where it cannot even be tried. */
export function launchProcess(program: string, name: PartName): ChildHandle {
  return handleOf(fork(program, [name, supervisedFlag], { execArgv: ['--enable-source-maps'] }))
}

/** A worker: all of them accept from one listening socket, which is the parent's. Throws as above. */
export function launchWorker(program: string, name: PartName): ChildHandle {
  cluster.setupPrimary({
    exec: program,
    args: [name, supervisedFlag],
    execArgv: ['--enable-source-maps'],
  })
  const worker = cluster.fork()
  // It says again what its process has said, and Node ends us where nobody listens.
  worker.on('error', () => undefined)
  if (worker.process.pid !== undefined) rescueHandoffs(worker)
  return handleOf(worker.process)
}

function handleOf(child: ChildProcess): ChildHandle {
  const { pid } = child
  let failure: string | null = null
  child.on('error', (error) => {
    // A message to a process that has just ended, or a signal that it could not be given.
    if (pid !== undefined || failure !== null) return
    // Node has no exit for a process that never ran, but whoever waits for one must hear it.
    failure = error.message
    child.emit('exit', null, null)
  })
  return {
    pid: pid ?? 0,
    send(order) {
      if (child.connected) child.send(order, () => undefined)
    },
    kill(signal) {
      child.kill(signal)
    },
    onWord(fn) {
      child.on('message', fn)
    },
    onExit(fn) {
      child.once('exit', (status, signal) => {
        fn({ status, signal, failure })
      })
    },
  }
}
