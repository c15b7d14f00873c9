import { connect } from 'node:net'
import type { Address } from '../base/address.ts'
import { addressKey } from '../base/address.ts'
import { ProxyError, reasonOf } from '../base/errors.ts'

/** A RESP2 reply as plain data; an error reply is the value `{ error }`. */
export type Reply = string | number | null | readonly Reply[] | { readonly error: string }

/** One command on a connection of its own, with a deadline. For set-up and tests, not for traffic. */
export function redisCall(
  address: Address,
  args: readonly string[],
  options: { readonly password?: string | undefined; readonly timeoutMs?: number } = {},
): Promise<Reply> {
  const commands = options.password === undefined ? [args] : [['AUTH', options.password], args]
  const request = commands.map((command) => encode(command)).join('')
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(address.port, address.host)
    const fail = (why: unknown): void => {
      socket.destroy()
      const message = `${addressKey(address)} ${args[0] ?? ''}: ${reasonOf(why)}`
      reject(new ProxyError('LINK_LOST', message, { cause: why }))
    }
    socket.setEncoding('latin1')
    socket.setTimeout(options.timeoutMs ?? 2000, () => {
      fail('timeout')
    })
    socket.on('error', fail)
    socket.on('close', () => {
      fail('closed')
    })
    socket.on('data', (text: string) => {
      received += text
      const replies = parseReplies(received, commands.length)
      if (replies === undefined) return
      socket.removeAllListeners('close')
      socket.destroy()
      resolve(replies.at(-1) ?? null)
    })
    socket.write(request)
  })
}

function encode(args: readonly string[]): string {
  const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`)
  return `*${args.length}\r\n${parts.join('')}`
}

/** The first `count` replies, or undefined while they are not complete. */
function parseReplies(text: string, count: number): Reply[] | undefined {
  const replies: Reply[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const parsed = parseReply(text, at)
    if (parsed === undefined) return undefined
    replies.push(parsed.reply)
    at = parsed.end
  }
  return replies
}

function parseReply(text: string, start: number): { reply: Reply; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const line = text.slice(start + 1, lineEnd)
  const end = lineEnd + 2
  switch (text[start]) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: { error: line }, end }
    case ':':
      return { reply: Number(line), end }
    case '$': {
      const length = Number(line)
      if (length < 0) return { reply: null, end }
      const whole = text.length >= end + length + 2
      return whole ? { reply: text.slice(end, end + length), end: end + length + 2 } : undefined
    }
    case '*':
      return parseItems(text, Number(line), end)
    default:
      throw new ProxyError('PROTOCOL', `not a RESP2 reply: ${line.slice(0, 40)}`)
  }
}

function parseItems(
  text: string,
  count: number,
  start: number,
): { reply: Reply; end: number } | undefined {
  if (count < 0) return { reply: null, end: start }
  const items: Reply[] = []
  let end = start
  for (let i = 0; i < count; i++) {
    const item = parseReply(text, end)
    if (item === undefined) return undefined
    items.push(item.reply)
    end = item.end
  }
  return { reply: items, end }
}
