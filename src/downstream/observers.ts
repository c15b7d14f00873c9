import type { Observer } from './session-exchange.ts'

const plus = 0x2b
const minus = 0x2d

/** Runs `fn` when the server has said +OK (or any simple string) to the command. */
export function onOk(fn: () => void): Observer {
  return {
    onFrame(frame) {
      if (frame[0] === plus) fn()
      return frame
    },
    onLost: () => false,
  }
}

/** Runs `fn` when the reply is complete, whatever it was; not when it was lost. */
export function onReplyDone(fn: () => void): Observer {
  return {
    onFrame(frame, last) {
      if (last) fn()
      return frame
    },
    onLost: () => false,
  }
}

/** The client hears `reply`, whatever the server answers and whether it does. */
export function instead(reply: Uint8Array): Observer {
  return {
    onFrame: (_frame, last) => (last ? reply : null),
    onLost: () => reply,
  }
}

/** Gives the whole reply to `fn`, which may change what the client sees. */
export function onWhole(fn: (reply: Uint8Array, isError: boolean) => Uint8Array | null): Observer {
  const parts: Uint8Array[] = []
  return {
    onFrame(frame, last) {
      parts.push(frame)
      if (!last) return null
      const whole = parts.length === 1 ? frame : Buffer.concat(parts)
      return fn(whole, whole[0] === minus)
    },
    onLost: () => false,
  }
}
