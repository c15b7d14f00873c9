import { createServer } from 'node:net'
import { passingMemory } from '../../src/base/part-memory.ts'
import { withSharedReads } from '../../src/downstream/shared-read.ts'

/**
 * Answers every request at the port of its first argument with a null, all those of one read in one
 * write, and does nothing else: the least that Node can need for its clients. They are read as we read
 * ours, into memory that all of them share.
 */
const memory = passingMemory()
const star = 0x2a
const oneReply = Buffer.from('$-1\r\n')
const replies = Buffer.concat(new Array<Buffer>(2_048).fill(oneReply))
const port = Number(process.argv[2])

/** No key of the benchmark has a star in it: it begins a request. */
function requestsIn(chunk: Uint8Array): number {
  let count = 0
  for (let at = chunk.indexOf(star); at >= 0; at = chunk.indexOf(star, at + 1)) count++
  return count
}

createServer({ noDelay: true }, (socket) => {
  withSharedReads(
    socket,
    {
      isUploading: false,
      onChunk(chunk) {
        let left = requestsIn(chunk)
        for (; left > 2_048; left -= 2_048) socket.write(replies)
        socket.write(replies.subarray(0, left * oneReply.length))
      },
    },
    memory,
  )
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1', 4096)
