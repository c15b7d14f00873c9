import { createServer } from 'node:net'
import { passingMemory } from '../../src/base/part-memory.ts'
import { withSharedReads } from '../../src/downstream/shared-read.ts'

/**
 * Answers every request at the port of its first argument with a null, all those of one read in one
 * write, and does nothing else, not even look at them: the least that Node can need for its clients.
 * They are read as we read ours, into memory that all of them share.
 */
const star = 0x2a
const oneReply = Buffer.from('$-1\r\n')
const most = 2_048
const replies = Buffer.concat(new Array<Buffer>(most).fill(oneReply))
const memory = passingMemory()
const port = Number(process.argv[2])

createServer({ noDelay: true }, (socket) => {
  /** All requests of a client of the benchmark are as long as its first, in which no key has a star. */
  let requestBytes = 0
  let bytes = 0
  const onChunk = (chunk: Uint8Array): void => {
    if (requestBytes === 0) {
      const next = chunk.indexOf(star, 1)
      requestBytes = next < 0 ? chunk.length : next
    }
    bytes += chunk.length
    let left = Math.floor(bytes / requestBytes)
    bytes -= left * requestBytes
    for (; left > most; left -= most) socket.write(replies)
    socket.write(replies.subarray(0, left * oneReply.length))
  }
  withSharedReads(socket, { isUploading: false, memory, onChunk })
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1', 4096)
