import { createServer } from 'node:net'

/**
 * Answers every request at the port of its first argument with a null, all those of one read in one
 * write, and does nothing else: the least that Node can need for its clients.
 */
const star = 0x2a
const oneReply = Buffer.from('$-1\r\n')
const replies = Buffer.concat(new Array<Buffer>(2_048).fill(oneReply))
const port = Number(process.argv[2])

/** No key of the benchmark has a star in it: it begins a request. */
function requestsIn(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(star); at >= 0; at = chunk.indexOf(star, at + 1)) count++
  return count
}

createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    let left = requestsIn(chunk)
    for (; left > 2_048; left -= 2_048) socket.write(replies)
    socket.write(replies.subarray(0, left * oneReply.length))
  })
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1', 4096)
