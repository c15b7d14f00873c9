// node-redis through switchmaster, in RESP3: the same as with-ioredis.mjs, with the other client.
import assert from 'node:assert/strict'
import { createClient } from 'redis'

const host = process.env.REDIS_HOST ?? '127.0.0.1'
const port = Number(process.env.REDIS_PORT ?? 8889)
const client = createClient({ socket: { host, port }, RESP: 3 })
const second = client.duplicate()
for (const each of [client, second]) each.on('error', (error) => console.error(error.message))
await Promise.all([client.connect(), second.connect()])

await client.del(['node-app:list', 'node-app:counter'])
await client.set('node-app:greeting', 'hello from node-redis')
console.log('get:', await client.get('node-app:greeting'))

assert.deepEqual(
  await Promise.all([client.incr('node-app:counter'), client.incr('node-app:counter')]),
  [1, 2],
)
assert.deepEqual(await client.multi().incr('node-app:counter').get('node-app:counter').exec(), [
  3,
  '3',
])
console.log('pipeline and transaction: counter is 3')

const popped = client.blPop('node-app:list', 5)
await second.rPush('node-app:list', 'work')
assert.equal((await popped).element, 'work')
console.log('blocking pop: work')

const message = new Promise((resolve) => {
  void second
    .subscribe('node-app:news', resolve)
    .then(() => client.publish('node-app:news', 'extra'))
})
console.log('message:', await message)

await Promise.all([client.close(), second.close()])
