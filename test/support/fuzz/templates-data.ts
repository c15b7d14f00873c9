import { exact, own } from './family.ts'
import type { Family } from './family.ts'

const strings = own(
  'strings',
  10,
  `SET {s} {v}
  SET {s} {v} NX
  SET {s} {v} XX GET
  SET {s} {v} EX 90000
  SET {s} {v} KEEPTTL
  SET {num} {i}
  GET {s}
  GET {num}
  GETSET {s} {v}
  GETDEL {s}
  GETEX {s} EX 90000
  GETEX {s} PERSIST
  GETRANGE {s} {i} {i}
  SUBSTR {s} {i} {i}
  SETRANGE {s} {n} {v}
  APPEND {s} {v}
  STRLEN {s}
  MSET {s} {v} {s} {v} {num} {i}
  MSETNX {s} {v} {s} {v}
  MGET {s} {s} {any} {num}
  SETNX {s} {v}
  SETEX {s} 90000 {v}
  PSETEX {s} 90000000 {v}
  INCR {num}
  DECR {num}
  INCRBY {num} {i}
  DECRBY {num} {i}
  INCRBYFLOAT {num} {f}
  INCR {s}
  LCS {s} {s}
  LCS {s} {s} LEN
  ECHO {v}
  PING
  PING {v}`,
)

const bits = own(
  'bits',
  3,
  `SETBIT {b} {n} 1
  SETBIT {b} {n} 0
  GETBIT {b} {n}
  BITCOUNT {b}
  BITCOUNT {b} 0 {n} BIT
  BITPOS {b} 1
  BITPOS {b} 0 {i}
  BITOP AND {b} {b} {b}
  BITOP XOR {b} {b} {b}
  BITOP NOT {b} {b}
  BITFIELD {b} INCRBY i5 {n} 1 GET u4 0
  BITFIELD {b} SET u8 {n} {n} OVERFLOW FAIL INCRBY u2 0 3
  BITFIELD_RO {b} GET u8 {n}`,
)

const hashes = own(
  'hashes',
  6,
  `HSET {h} {m} {v}
  HSET {h} {m} {v} {m} {v}
  HMSET {h} {m} {v}
  HSETNX {h} {m} {v}
  HGET {h} {m}
  HMGET {h} {m} {m}
  HGETALL {h}
  HKEYS {h}
  HVALS {h}
  HLEN {h}
  HEXISTS {h} {m}
  HSTRLEN {h} {m}
  HDEL {h} {m} {m}
  HINCRBY {h} {m} {i}
  HINCRBYFLOAT {h} {m} {f}
  HRANDFIELD {h}
  HRANDFIELD {h} {i} WITHVALUES
  HSCAN {h} 0 COUNT 100000`,
)

const lists = own(
  'lists',
  6,
  `LPUSH {l} {v} {v}
  RPUSH {l} {v}
  RPUSH {l} {i} {i} {i}
  LPUSHX {l} {v}
  RPUSHX {l} {v}
  LPOP {l}
  LPOP {l} {n}
  RPOP {l}
  RPOP {l} 2
  LLEN {l}
  LRANGE {l} {i} {i}
  LRANGE {l} 0 20
  LINDEX {l} {i}
  LSET {l} {i} {v}
  LINSERT {l} BEFORE {i} {v}
  LREM {l} {i} {i}
  LTRIM {l} 0 30
  LPOS {l} {i} RANK -1
  LPOS {l} {i} COUNT 0
  LMOVE {l} {l} LEFT RIGHT
  RPOPLPUSH {l} {l}
  LMPOP 2 {l} {l} LEFT COUNT 2
  SORT {l} ALPHA
  SORT {l} ALPHA DESC LIMIT 0 5
  SORT {l}
  SORT {l} ALPHA STORE {l}
  SORT {l} BY {num}* GET # GET {num}*
  SORT_RO {l} ALPHA`,
)

const sets = own(
  'sets',
  5,
  `SADD {t} {m} {m}
  SADD {t} {i} {i}
  SREM {t} {m}
  SMEMBERS {t}
  SISMEMBER {t} {m}
  SMISMEMBER {t} {m} {m}
  SCARD {t}
  SMOVE {t} {t} {m}
  SRANDMEMBER {t}
  SRANDMEMBER {t} 3
  SINTER {t} {t}
  SUNION {t} {t}
  SDIFF {t} {t}
  SINTERCARD 2 {t} {t} LIMIT 3
  SINTERSTORE {t} {t} {t}
  SUNIONSTORE {t} {t} {t}
  SDIFFSTORE {t} {t} {t}
  SORT {t} ALPHA
  SSCAN {t} 0 COUNT 100000`,
)

const sorted = own(
  'sorted sets',
  7,
  `ZADD {z} {f} {m}
  ZADD {z} {i} {m} {i} {m}
  ZADD {z} GT CH {i} {m}
  ZADD {z} XX INCR {i} {m}
  ZINCRBY {z} {f} {m}
  ZSCORE {z} {m}
  ZMSCORE {z} {m} {m}
  ZCARD {z}
  ZCOUNT {z} -inf {i}
  ZLEXCOUNT {z} - +
  ZRANK {z} {m}
  ZREVRANK {z} {m}
  ZRANGE {z} 0 -1 WITHSCORES
  ZRANGE {z} {i} {i} REV
  ZRANGE {z} ({i} +inf BYSCORE LIMIT 0 3
  ZRANGE {z} [a (z BYLEX
  ZREVRANGE {z} 0 3
  ZRANGEBYSCORE {z} -inf {i} WITHSCORES
  ZREVRANGEBYSCORE {z} {i} -inf
  ZRANGEBYLEX {z} - [m
  ZREVRANGEBYLEX {z} + -
  ZRANGESTORE {z} {z} 0 3
  ZREM {z} {m} {m}
  ZREMRANGEBYRANK {z} 0 {i}
  ZREMRANGEBYSCORE {z} {i} {i}
  ZREMRANGEBYLEX {z} [x +
  ZPOPMIN {z}
  ZPOPMAX {z} 2
  ZMPOP 2 {z} {z} MAX COUNT 2
  ZUNION 2 {z} {z} WITHSCORES
  ZINTER 2 {z} {z} AGGREGATE MAX
  ZDIFF 2 {z} {z} WITHSCORES
  ZINTERCARD 2 {z} {z}
  ZUNIONSTORE {z} 2 {z} {z} WEIGHTS 2 {i}
  ZINTERSTORE {z} 2 {z} {t}
  ZDIFFSTORE {z} 2 {z} {z}
  ZRANDMEMBER {z}
  ZRANDMEMBER {z} 2 WITHSCORES
  ZSCAN {z} 0 COUNT 100000`,
)

const streams = own(
  'streams',
  6,
  `XADD {x} {newid} {m} {v}
  XADD {x} MAXLEN 20 {newid} {m} {v} {m} {v}
  XADD {x} NOMKSTREAM {newid} {m} {v}
  XADD {x} {oldid} {m} {v}
  XLEN {x}
  XRANGE {x} - + COUNT 5
  XREVRANGE {x} + - COUNT 3
  XRANGE {x} {oldid} {oldid}
  XDEL {x} {oldid}
  XTRIM {x} MAXLEN 10
  XREAD COUNT 2 STREAMS {x} {x} 0 {oldid}
  XREAD STREAMS {x} $
  XGROUP CREATE {x} {group} 0 MKSTREAM
  XGROUP CREATE {x} {group} $
  XGROUP SETID {x} {group} 0
  XGROUP CREATECONSUMER {x} {group} {consumer}
  XGROUP DELCONSUMER {x} {group} {consumer}
  XGROUP DESTROY {x} {group}
  XREADGROUP GROUP {group} {consumer} COUNT 2 STREAMS {x} >
  XREADGROUP GROUP {group} {consumer} NOACK COUNT 1 STREAMS {x} >
  XREADGROUP GROUP {group} {consumer} COUNT 3 STREAMS {x} 0
  XACK {x} {group} {oldid} {oldid}
  XPENDING {x} {group}
  XCLAIM {x} {group} {consumer} 0 {oldid} JUSTID
  XAUTOCLAIM {x} {group} {consumer} 0 0 COUNT 2
  XINFO STREAM {x}
  XINFO GROUPS {x}
  XSETID {x} {newid}`,
)

const geo = own(
  'geo',
  2,
  `GEOADD {g} 13.{n} 38.{n} {m}
  GEOADD {g} CH 15.{n} 37.{n} {m}
  GEODIST {g} {m} {m} km
  GEOHASH {g} {m} {m}
  GEOPOS {g} {m} {m}
  GEOSEARCH {g} FROMLONLAT 15 37 BYRADIUS 300 km ASC WITHDIST
  GEOSEARCH {g} FROMMEMBER {m} BYBOX 400 400 km DESC COUNT 3
  GEOSEARCHSTORE {g} {g} FROMLONLAT 15 37 BYRADIUS 300 km ASC
  GEORADIUS {g} 15 37 200 km WITHCOORD ASC
  GEORADIUSBYMEMBER_RO {g} {m} 200 km ASC`,
)

const logs = own(
  'hyperloglog',
  2,
  `PFADD {y} {m} {m} {i}
  PFCOUNT {y}
  PFCOUNT {y} {y}
  PFMERGE {y} {y} {y}`,
)

const generic = own(
  'keys',
  6,
  `DEL {any} {any}
  UNLINK {any}
  EXISTS {any} {any}
  TOUCH {any} {any}
  TYPE {any}
  RENAME {any} {any}
  RENAMENX {any} {any}
  COPY {any} {any}
  COPY {any} {any} REPLACE
  EXPIRE {any} 90000
  EXPIRE {any} 80000 GT
  EXPIRE {any} -1
  PEXPIRE {any} 90000000
  EXPIREAT {any} 4000000000
  PEXPIREAT {any} 4000000000000
  EXPIRETIME {any}
  PEXPIRETIME {any}
  TTL {any}
  PTTL {any}
  PERSIST {any}
  OBJECT ENCODING {any}
  OBJECT REFCOUNT {num}
  OBJECT FREQ {any}
  OBJECT HELP
  DUMP {s}`,
)

const precise = exact(
  'popping without choice, scripts that name their keys',
  4,
  `SPOP {t} 100000
  EVAL return{redis.call('SET',KEYS[1],ARGV[1]),redis.call('STRLEN',KEYS[1])} 1 {s} {v}
  EVAL return{redis.call('INCR',KEYS[1]),{1,{2,'three'}},false,KEYS} 1 {num}
  EVAL return{ok='FINE'} 0
  EVAL return{err='MINE',KEYS} 0
  EVAL return{double=3.25} 0
  EVAL redis.setresp(3);return{map={a={1,2}}} 0
  EVAL redis.setresp(3);return{{set={a=true}},{double=1.5},true} 0
  EVAL return{redis.pcall('LPUSH',KEYS[1],'x')} 1 {any}
  EVAL return{redis.call('LPUSH',KEYS[1],'x')} 1 {s}
  EVAL this-is-not-lua 0
  EVAL return{string.rep('ab',ARGV[1])} 0 {n}
  EVAL redis.call('RESTORE',KEYS[2],0,redis.call('DUMP',KEYS[1]),'REPLACE') 2 {s} {s}
  EVAL_RO return{redis.call('GET',KEYS[1])} 1 {s}
  EVAL_RO return{redis.call('SET',KEYS[1],'x')} 1 {s}
  EVALSHA 0123456789012345678901234567890123456789 0
  BLPOP {l} {l} 0.001
  BRPOP {l} 0.001
  BLMOVE {l} {l} LEFT RIGHT 0.001
  BRPOPLPUSH {l} {l} 0.001
  BLMPOP 0.001 2 {l} {l} LEFT COUNT 2
  BZPOPMIN {z} {z} 0.001
  BZPOPMAX {z} 0.001
  BZMPOP 0.001 1 {z} MIN
  XREAD COUNT 1 BLOCK 1 STREAMS {x} 0
  XREADGROUP GROUP {group} {consumer} COUNT 1 BLOCK 1 STREAMS {x} >
  BLPOP {l} nonsense
  BLPOP {l} -1
  XINFO HELP`,
)

/** Commands that read and write the keys they name. */
export const dataFamilies: readonly Family[] = [
  strings,
  bits,
  hashes,
  lists,
  sets,
  sorted,
  streams,
  geo,
  logs,
  generic,
  precise,
]
