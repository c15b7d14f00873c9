/**
 * Every command of Redis 7.0, 7.2, 7.4 and 8, and of Valkey 8 by its class: S shared, H shared
 * and heavy, E emulated, T transaction, B blocking, P publish and subscribe, K sticky, R raw,
 * C control, X in Sentinel only.
 */
export const appendix: Readonly<Record<string, string>> = {
  S: `
    acl|cat acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|users acl|whoami append
    bitfield bitfield_ro client|help cluster|addslots cluster|addslotsrange cluster|bumpepoch
    cluster|count-failure-reports cluster|countkeysinslot cluster|delslots cluster|delslotsrange
    cluster|failover cluster|flushslots cluster|forget cluster|getkeysinslot cluster|help
    cluster|info cluster|keyslot cluster|links cluster|meet cluster|myid cluster|myshardid
    cluster|nodes cluster|replicas cluster|replicate cluster|reset cluster|saveconfig
    cluster|set-config-epoch cluster|setslot cluster|shards cluster|slaves cluster|slot-stats
    cluster|slots command|count command|getkeys command|getkeysandflags command|help command|info
    command|list config|get config|help copy dbsize decr decrby echo exists expire expireat
    expiretime function|delete function|flush function|help function|list function|load geoadd
    geodist geohash geopos georadius georadiusbymember georadiusbymember_ro georadius_ro
    geosearch geosearchstore get getbit getdel getex getrange getset hdel hexists hexpire
    hexpireat hexpiretime hget hincrby hincrbyfloat hlen hmget hmset hpersist hpexpire hpexpireat
    hpexpiretime hpttl hrandfield hscan hset hsetnx hstrlen httl incr incrby incrbyfloat info
    lastsave latency|doctor latency|graph latency|help latency|histogram latency|history
    latency|latest lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrem lset ltrim
    memory|doctor memory|help memory|malloc-stats memory|stats mget module|help module|list move
    mset msetnx object|encoding object|freq object|help object|idletime object|refcount persist
    pexpire pexpireat pexpiretime pfadd ping psetex pttl publish pubsub|channels pubsub|help
    pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub randomkey rename renamenx
    role rpop rpoplpush rpush rpushx sadd scan scard script|exists script|help script|load
    script|show set setbit setex setnx setrange sintercard sismember slowlog|get slowlog|help
    slowlog|len smismember smove spop spublish srandmember srem sscan strlen substr time touch
    ttl type unlink xack xadd xautoclaim xclaim xdel xgroup|create xgroup|createconsumer
    xgroup|delconsumer xgroup|destroy xgroup|help xgroup|setid xinfo|consumers xinfo|groups
    xinfo|help xinfo|stream xlen xpending xsetid xtrim zadd zcard zcount zincrby zintercard
    zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrank zrem zremrangebylex zremrangebyrank
    zremrangebyscore zrevrank zscan zscore`,
  H: `
    bitcount bitop bitpos command command|docs del dump eval evalsha evalsha_ro eval_ro fcall
    fcall_ro flushall flushdb function|dump function|restore hgetall hkeys hvals keys lcs lrange
    memory|usage pfcount pfmerge restore sdiff sdiffstore sflush sinter sinterstore smembers sort
    sort_ro sunion sunionstore swapdb xrange xrevrange zdiff zdiffstore zinter zinterstore zrange
    zrangebylex zrangebyscore zrangestore zrevrange zrevrangebylex zrevrangebyscore zunion
    zunionstore`,
  E: `
    auth client|capa client|getname client|getredir client|id client|info client|reply
    client|setinfo client|setname client|trackinginfo hello quit readonly readwrite reset select`,
  T: `
    discard exec multi unwatch watch`,
  B: `
    blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin wait waitaof xread xreadgroup`,
  P: `
    psubscribe punsubscribe ssubscribe subscribe sunsubscribe unsubscribe`,
  K: `
    asking client|caching client|no-evict client|no-touch client|tracking restore-asking`,
  R: `
    monitor psync replconf script|debug sync`,
  C: `
    acl|deluser acl|load acl|log acl|save acl|setuser bgrewriteaof bgsave client|kill client|list
    client|pause client|unblock client|unpause config|resetstat config|rewrite config|set debug
    failover function|kill function|stats latency|reset memory|purge migrate module|load
    module|loadex module|unload pfdebug pfselftest replicaof save script|flush script|kill
    shutdown slaveof slowlog|reset`,
  X: `
    sentinel sentinel|ckquorum sentinel|config sentinel|debug sentinel|failover
    sentinel|flushconfig sentinel|get-master-addr-by-name sentinel|get-primary-addr-by-name
    sentinel|help sentinel|info-cache sentinel|is-master-down-by-addr
    sentinel|is-primary-down-by-addr sentinel|master sentinel|masters sentinel|monitor
    sentinel|myid sentinel|pending-scripts sentinel|primaries sentinel|primary sentinel|remove
    sentinel|replicas sentinel|reset sentinel|sentinels sentinel|set sentinel|simulate-failure
    sentinel|slaves`,
}
