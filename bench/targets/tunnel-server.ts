import { connect, createServer, type Socket } from 'node:net'

/**
 * Passes bytes between each client at the port of its first argument and a link of its own to the
 * port of its second, and looks at nothing.
 */
const [port, redisPort] = process.argv.slice(2).map(Number)

function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
}

createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const link = connect({ port: redisPort ?? 0, host: '127.0.0.1', noDelay: true })
  pass(client, link)
  pass(link, client)
}).listen(port, '127.0.0.1', 4096)
