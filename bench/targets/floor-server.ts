import { createServer } from 'node:net'

/**
 * Answers every read with one reply, at the port of its first argument, and does nothing else: the
 * least that Node can need for a client with one command under way, one read and one write.
 */
const nothing = Buffer.from('$-1\r\n')
const port = Number(process.argv[2])
createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(nothing))
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1', 4096)
