import { join } from 'node:path'
import { expect, test } from 'vitest'

import { REPOSITORY } from '../../support/build.ts'
import { run } from '../../support/child.ts'
import { libraryStage } from '../../support/library-stage.ts'

const stage = libraryStage()

test.each([
  ['redis-py', '/usr/bin/python3', 'redis_py_more.py', '"watched_increments", "iterations"'],
  ['redis-rb', '/usr/bin/ruby', 'redis_rb.rb', 'ruby is content'],
  ['phpredis', '/usr/bin/php', 'php_redis.php', 'php is content'],
])(
  '%s does what it does',
  async (_name, interpreter, script, saying) => {
    const path = join(REPOSITORY, 'test/support/libraries', script)
    const said = await run(interpreter, [path, String(stage().target.port)], { within: 50_000 })
    expect(said.output).toContain(saying)
    expect(said.code).toBe(0)
  },
  60_000,
)
