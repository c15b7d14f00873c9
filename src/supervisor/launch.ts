import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import type { ChildHandle } from './child.ts'
import { rescueHandoffs } from './handoff.ts'
import type { PartName } from './part.ts'

/** The hidden word that tells our own program to take orders from its parent. */
export const supervisedFlag = '--supervised'

/** A part with no socket to share. */
export function launchProcess(program: string, name: PartName): ChildHandle {
  return handleOf(fork(program, [name, supervisedFlag], { execArgv: ['--enable-source-maps'] }))
}

/** A worker: all of them accept from one listening socket, which is the parent's. */
export function launchWorker(program: string, name: PartName): ChildHandle {
  cluster.setupPrimary({
    exec: program,
    args: [name, supervisedFlag],
    execArgv: ['--enable-source-maps'],
  })
  const worker = cluster.fork()
  rescueHandoffs(worker)
  return handleOf(worker.process)
}

function handleOf(child: ChildProcess): ChildHandle {
  // A failed spawn is an exit; a message to a process that has just ended is of no use.
  child.on('error', () => undefined)
  return {
    pid: child.pid ?? 0,
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
      child.once('exit', fn)
    },
  }
}
