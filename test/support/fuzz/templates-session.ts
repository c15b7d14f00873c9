import { exact, shared } from './family.ts'
import type { Family } from './family.ts'

/** What belongs to a connection alone. */
const session = exact(
  'connections',
  5,
  `CLIENT SETNAME {name}
  CLIENT GETNAME
  CLIENT ID
  CLIENT SETINFO LIB-NAME fuzz
  CLIENT NOSUCH
  CLIENT GETREDIR
  CLIENT TRACKINGINFO
  CLIENT NO-EVICT OFF
  CLIENT UNBLOCK 987654321
  CLIENT KILL ID 987654321
  CLIENT HELP
  ACL WHOAMI
  ACL GENPASS
  READONLY
  ASKING
  TIME
  LASTSAVE
  ROLE
  COMMAND COUNT
  COMMAND INFO get nosuch
  COMMAND GETKEYS MSET a 1 b 2
  COMMAND DOCS set
  CONFIG GET maxmemory
  CONFIG NOSUCH
  CLUSTER INFO
  SENTINEL masters
  MEMORY HELP
  NOSUCH {v}
  nosuch2
  LOLWUT VERSION 1 0 0
  SLOWLOG HELP
  INFO server
  RESET
  UNWATCH
  EXEC
  DISCARD`,
)

const state = exact(
  'state of a connection that decides where it reads',
  4,
  `SELECT {db}
  SELECT {db}
  SELECT 0
  SELECT 99
  SELECT abc
  HELLO
  HELLO 2
  HELLO 3
  HELLO 3 SETNAME {name}
  HELLO 3 AUTH full secret
  HELLO 3 AUTH full wrong
  HELLO 4
  HELLO 3 NOSUCH
  AUTH full secret
  AUTH limited secret
  AUTH full wrong
  AUTH nosuch secret
  AUTH secret
  AUTH a b c
  AUTH default anything`,
)

const channels = shared(
  'channels',
  3,
  `SUBSCRIBE {ch}
  SUBSCRIBE {ch} {ch} {ch}
  PSUBSCRIBE {pattern} {pattern}
  SSUBSCRIBE {shard}
  SSUBSCRIBE {shard} {shard}
  UNSUBSCRIBE {ch}
  UNSUBSCRIBE
  UNSUBSCRIBE
  PUNSUBSCRIBE
  PUNSUBSCRIBE {pattern}
  SUNSUBSCRIBE
  SUNSUBSCRIBE {shard} {shard}
  SUBSCRIBE
  PING
  PING {v}`,
)

/** Allowed in a transaction too, where what is published may come between its replies. */
const publishing = shared(
  'publishing',
  3,
  `PUBLISH {ch} {v}
  PUBLISH {ch} {v}
  PUBLISH {ch} {v}
  SPUBLISH {shard} {v}
  SPUBLISH {shard} {v}
  PUBSUB NUMSUB {ch} {ch}
  PUBSUB NUMPAT
  PUBSUB CHANNELS c*
  PUBSUB SHARDCHANNELS
  PUBSUB SHARDNUMSUB {shard}`,
)

const watching = exact(
  'transactions and tracking',
  4,
  `WATCH {any} {any}
  WATCH {s}
  UNWATCH
  CLIENT TRACKING OFF
  CLIENT CACHING YES
  MULTI
  MULTI
  MULTI`,
)

/** After these a client has a link for itself, mostly for good: rare, or few would share one. */
const pinning = exact(
  'what lasts',
  0.35,
  `WAIT 0 0
  WAIT 0 5
  CLIENT NO-EVICT ON
  CLIENT TRACKING ON
  CLIENT TRACKING ON
  CLIENT TRACKING ON NOLOOP
  CLIENT TRACKING ON OPTIN`,
)

const everybody = shared(
  'the whole key space, scripts and functions',
  3,
  `DBSIZE
  RANDOMKEY
  KEYS *
  KEYS fuzz:s*
  SCAN 0 COUNT 100000
  SCAN 0 COUNT 100000 TYPE list
  MOVE {any} {db}
  COPY {any} {any} DB {db} REPLACE
  SWAPDB 1 2
  FLUSHDB ASYNC
  SCRIPT LOAD {script}
  SCRIPT EXISTS {sha} {sha}
  EVALSHA {sha} 1 {num}
  EVALSHA {sha} 1 {s}
  EVALSHA_RO {sha} 1 {num}
  SCRIPT HELP
  SCRIPT KILL
  FUNCTION LOAD REPLACE {library}
  FUNCTION LOAD {library}
  FCALL fuzz 1 {num} {i}
  FCALL_RO fuzz_ro 1 {s}
  FCALL fuzz_ro 1 {s}
  FUNCTION LIST LIBRARYNAME fuzz
  FUNCTION STATS
  FUNCTION KILL
  FUNCTION DELETE fuzz`,
)

const rare = shared(
  'the end of everything',
  0.05,
  `FLUSHALL
  FLUSHDB
  SCRIPT FLUSH
  FUNCTION FLUSH`,
)

/** Commands about connections, channels, and what all clients share. */
export const sessionFamilies: readonly Family[] = [
  session,
  state,
  channels,
  publishing,
  watching,
  pinning,
  everybody,
  rare,
]
