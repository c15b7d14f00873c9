import type { CommandClass } from './command-class.ts'

/**
 * Commands that leave no state on their connection and answer at once: they go to a lane. Grouped
 * by what may be done when their outcome is unknown.
 */
export const dataClasses: readonly CommandClass[] = [
  {
    why: 'Reads only: asking again does no harm.',
    route: 'lane',
    replay: 'read',
    names: `
      bitfield_ro bitcount bitpos dbsize dump echo exists expiretime fcall_ro
      geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange
      hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl hrandfield hscan hstrlen
      httl hvals keys lcs lindex llen lpos lrange mget object|encoding object|freq object|idletime
      object|refcount pexpiretime ping pttl randomkey scan scard sdiff sinter sintercard
      sismember smembers smismember sort_ro srandmember sscan stralgo strlen substr sunion time
      touch ttl type xinfo|consumers xinfo|groups xinfo|stream xlen xpending xrange xrevrange zcard
      zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore
      zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion`,
  },
  {
    why: 'Reads, but may renew what it has cached: the server lets it wait with the writes.',
    route: 'lane',
    replay: 'read',
    write: true,
    names: 'pfcount',
  },
  {
    why: 'Tells about the server without changing it.',
    route: 'lane',
    replay: 'read',
    names: `
      acl|cat acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|users acl|whoami client|help
      command command|count command|docs command|getkeys command|getkeysandflags command|help
      command|info command|list config|get config|help function|dump function|help function|list
      info lastsave latency|doctor latency|graph latency|help latency|histogram latency|history
      latency|latest lolwut memory|doctor memory|help memory|malloc-stats memory|stats memory|usage
      module|help module|list object|help pubsub|channels pubsub|help pubsub|numpat pubsub|numsub
      pubsub|shardchannels pubsub|shardnumsub role script|exists script|help script|show
      slowlog|get slowlog|help slowlog|len xgroup|help xinfo|help`,
  },
  {
    why: 'A master that is run by Sentinel only answers that cluster support is disabled.',
    route: 'lane',
    replay: 'read',
    names: `
      cluster|count-failure-reports cluster|countkeysinslot cluster|getkeysinslot cluster|help
      cluster|info cluster|keyslot cluster|links cluster|myid cluster|myshardid cluster|nodes
      cluster|replicas cluster|shards cluster|slaves cluster|slot-stats cluster|slots`,
  },
  {
    why: 'A master that is run by Sentinel only answers that cluster support is disabled.',
    route: 'lane',
    replay: 'never',
    names: `
      cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|delslots
      cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget cluster|meet
      cluster|replicate cluster|reset cluster|saveconfig cluster|set-config-epoch cluster|setslot`,
  },
  {
    why: 'A second run leaves the same state and gives the same reply.',
    route: 'lane',
    replay: 'same-state',
    names: 'hmset lset mset setrange',
  },
  {
    why: 'Absolute time: the same state again, unless a condition makes the second reply another.',
    route: 'lane',
    replayByArgs: true,
    names: 'expireat hexpireat hpexpireat pexpireat',
  },
  {
    why: 'A second run leaves the same state, but its reply tells that nothing was left to do.',
    route: 'lane',
    replay: 'other-reply',
    names: `
      del geoadd hdel hpersist hset persist pfadd sadd setbit smove srem unlink xack xdel zrem
      zremrangebylex zremrangebyscore`,
  },
  {
    why: 'Relative time: a second run gives the key a later end.',
    route: 'lane',
    replay: 'time-relative',
    names: 'psetex setex',
  },
  {
    why: 'Relative time, and conditions that may make the second reply another.',
    route: 'lane',
    replayByArgs: true,
    names: 'expire hexpire hpexpire pexpire',
  },
  {
    why: 'Its options decide what a second run would do.',
    route: 'lane',
    replayByArgs: true,
    names: `
      copy function|load getex lrem ltrim restore restore-asking set xgroup|setid xtrim zadd`,
  },
  {
    why: 'The same again as long as the destination is not among the sources.',
    route: 'lane',
    replayByArgs: true,
    names: `
      bitop geosearchstore pfmerge sdiffstore sinterstore sunionstore zdiffstore zinterstore
      zrangestore zunionstore`,
  },
  {
    why: 'A read without STORE; with it the same again as long as the destination is no source.',
    route: 'lane',
    replayByArgs: true,
    names: 'georadius georadiusbymember sort',
  },
  {
    why: 'One subcommand of several; a second run finds the consumer or group made or gone.',
    route: 'lane',
    replay: 'other-reply',
    names: 'xgroup|createconsumer xgroup|destroy',
  },
  {
    why: 'A second run would count, push, pop or refuse once more.',
    route: 'lane',
    replay: 'never',
    names: `
      append bitfield decr decrby getdel getset hincrby hincrbyfloat hsetnx incr incrby incrbyfloat
      linsert lmove lmpop lpop lpush lpushx move msetnx rename renamenx rpop rpoplpush rpush rpushx
      setnx spop swapdb xadd xautoclaim xclaim xgroup|create xgroup|delconsumer xsetid zincrby zmpop
      zpopmax zpopmin zremrangebyrank`,
  },
  {
    why: 'A second run would deliver the message twice.',
    route: 'lane',
    replay: 'never',
    names: 'publish spublish',
  },
  {
    why: 'Nobody but its author knows what a second run would do.',
    route: 'lane',
    replay: 'never',
    names: 'fcall',
  },
  {
    why: 'Changes the library of functions; a second run fails or undoes what others did.',
    route: 'lane',
    replay: 'never',
    names: 'function|delete function|flush function|restore',
  },
  {
    why: 'Destructive; since Redis 7.4 it blocks its connection until the memory is freed.',
    route: 'lane',
    replay: 'never',
    names: 'flushall flushdb sflush',
  },
  {
    why: 'Matters in a cluster only: any other server answers an error and sets no flag.',
    route: 'lane',
    replay: 'never',
    verb: 'asking',
    write: false,
    inRun: false,
    names: 'asking',
  },
  {
    why: 'Exists in Sentinel only: a server answers that it does not know it.',
    route: 'lane',
    replay: 'never',
    write: false,
    inRun: false,
    names: `
      sentinel|ckquorum sentinel|config sentinel|debug sentinel|failover sentinel|flushconfig
      sentinel|get-master-addr-by-name sentinel|get-primary-addr-by-name sentinel|help
      sentinel|info-cache sentinel|is-master-down-by-addr sentinel|is-primary-down-by-addr
      sentinel|master sentinel|masters sentinel|monitor sentinel|myid sentinel|pending-scripts
      sentinel|primaries sentinel|primary sentinel|remove sentinel|replicas sentinel|reset
      sentinel|sentinels sentinel|set sentinel|simulate-failure sentinel|slaves`,
  },
  {
    why: 'A container: without a subcommand that it knows the server only answers an error.',
    route: 'lane',
    replay: 'never',
    inRun: false,
    names: `
      acl client cluster config function latency memory module object pubsub script sentinel slowlog
      xgroup xinfo`,
  },
]

/** Large replies or long runs (class H). They are candidates for a slow lane. */
export const heavyNames = `
  bitcount bitop bitpos command command|docs del dump eval evalsha evalsha_ro eval_ro fcall fcall_ro
  flushall flushdb function|dump function|restore hgetall hkeys hvals keys lcs lrange memory|usage
  pfcount pfmerge restore restore-asking sdiff sdiffstore sflush sinter sinterstore smembers sort
  sort_ro stralgo sunion sunionstore swapdb xrange xrevrange zdiff zdiffstore zinter zinterstore
  zrange zrangebylex zrangebyscore zrangestore zrevrange zrevrangebylex zrevrangebyscore zunion
  zunionstore`
