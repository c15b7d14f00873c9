// What the system must have beside Node: the one list, with what each thing is for.

/** `command` is looked for on the PATH, `file` at its place; `debian` is the package that has it. */
export const serving = [
  { command: 'redis-server', debian: 'redis-server', why: 'the nodes of the embedded group' },
  {
    command: 'redis-sentinel',
    debian: 'redis-sentinel',
    why: 'the sentinels of the embedded group',
  },
  { command: 'redis-cli', debian: 'redis-tools', why: 'the first command a reader types' },
]

export const testing = [
  ...serving,
  { command: '/usr/bin/python3', debian: 'python3', why: 'the python example and redis-py tests' },
  {
    command: '/usr/lib/python3/dist-packages/redis',
    debian: 'python3-redis',
    why: 'redis-py, a client of a different make, is tested through the proxy',
  },
  {
    command: '/var/lib/dpkg/info/ruby-redis.list',
    debian: 'ruby-redis',
    why: 'ruby’s client, tested through the proxy',
  },
  { command: '/usr/bin/php', debian: 'php-cli', why: 'runs the tests of phpredis' },
  {
    command: '/var/lib/dpkg/info/php-redis.list',
    debian: 'php-redis',
    why: 'phpredis, a client in C, is tested through the proxy',
  },
  { command: 'openssl', debian: 'openssl', why: 'certificates for the TLS tests' },
]
