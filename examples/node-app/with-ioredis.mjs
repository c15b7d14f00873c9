// ioredis through switchmaster: a plain client of one address, with a pipeline, a transaction, a
// blocking pop and a subscription. Prints what it got; exits with 1 when something is not right.
import assert from 'node:assert/strict'
import { Redis } from 'ioredis'

const host = process.env.REDIS_HOST ?? '127.0.0.1'
const port = Number(process.env.REDIS_PORT ?? 8889)
const client = new Redis({ host, port })
const second = client.duplicate()

await client.del('node-app:list', 'node-app:counter')
await client.set('node-app:greeting', 'hello from ioredis')
console.log('get:', await client.get('node-app:greeting'))

const piped = await client.pipeline().incr('node-app:counter').incr('node-app:counter').exec()
assert.deepEqual(
  piped.map(([, value]) => value),
  [1, 2],
)
const done = await client.multi().incr('node-app:counter').get('node-app:counter').exec()
assert.deepEqual(
  done.map(([, value]) => value),
  [3, '3'],
)
console.log('pipeline and transaction: counter is 3')

const popped = client.blpop('node-app:list', 5)
await second.rpush('node-app:list', 'work')
assert.deepEqual(await popped, ['node-app:list', 'work'])
console.log('blocking pop: work')

const message = new Promise((resolve) => second.once('message', (_channel, text) => resolve(text)))
await second.subscribe('node-app:news')
await client.publish('node-app:news', 'extra')
console.log('message:', await message)

await Promise.all([client.quit(), second.quit()])
