import { setting } from './setting.ts'
import { count, duration, size } from './values.ts'

/** A limit on everything: each with its unit (in the value), its reason and its default. */
export const limitSettings = {
  linksPerLane: setting(
    count(1, 64),
    '4',
    'Shared links for each (RESP version, db, user) that clients are in.',
    {
      why: 'Half for reads, half for writes. Small commands share one, where many cost least.',
    },
  ),
  leasePoolMax: setting(count(1, 60_000), '1024', 'Exclusive links per process.', {
    why: 'Blocking pops, transactions and subscribers each need one; below the maxclients of a server.',
  }),
  leaseAcquireTimeout: setting(
    duration(10),
    '10s',
    'How long a command waits for an exclusive link when all are taken.',
    { why: 'Longer than a burst of transactions, shorter than the patience of most clients.' },
  ),
  leaseIdle: setting(duration(100), '30s', 'An unused exclusive link is closed after this time.', {
    why: 'Keeps links over a pause between bursts without holding them for the night.',
  }),
  maxClients: setting(count(1, 1_000_000), '20000', 'Clients per process.', {
    why: 'Twice the default of redis-server; needs as many file descriptors.',
  }),
  clientOutputLimit: setting(
    size(4096),
    '64mb',
    'A client whose unread replies or messages exceed this is closed.',
    { why: 'A client that stopped reading must not fill our memory.' },
  ),
  clientOutputPause: setting(
    // Node says that a client reads again only where more than its streams' own mark was waiting.
    size(64 * 1024),
    '1mb',
    'With more unread replies than this we stop reading the requests of that client.',
    { why: 'Back-pressure first; closing is for those whose one reply is too much.' },
  ),
  streamAbove: setting(
    size(1024),
    '256kb',
    'Requests above this size travel on an exclusive link as they arrive.',
    { why: 'A large upload over a slow line would keep a shared link from everybody else.' },
  ),
  linkHighWater: setting(
    size(4096),
    '1mb',
    'With more unsent request bytes than this on a link, its clients are not read.',
    {
      why: 'The master is slower than the clients: they wait in their sockets, not in our memory.',
    },
  ),
  slowReaderStall: setting(
    duration(1),
    '100ms',
    'How long one slow reader may hold up a shared link before its reply is buffered apart.',
    { why: 'Longer than a full socket buffer takes to drain, shorter than what people notice.' },
  ),
  holdMaxCommands: setting(
    count(1, 10_000_000),
    '100000',
    'Commands that may wait for a new master, per process; the newest is refused (TRYAGAIN).',
    { why: 'Five commands from each of the most clients that are allowed.' },
  ),
  holdMaxBytes: setting(size(1024), '256mb', 'Bytes of the commands that wait, per process.', {
    why: 'A bound on memory that a small container survives.',
  }),
  drainBatch: setting(
    count(1, 100_000),
    '500',
    'Held commands sent to the new master in one turn of the event loop.',
    { why: 'A master that has just been promoted is not met by everything at once.' },
  ),
  switchGrace: setting(
    duration(0),
    '150ms',
    'Time that commands in flight on the old master get to finish when the master changes.',
    { why: 'Sentinel takes about 140 ms from electing its leader to promoting a replica.' },
  ),
  connectTimeout: setting(duration(10), '2s', 'For a TCP or TLS connection to be made.', {
    why: 'A lost SYN is sent again after 1 s; a second loss is a dead host.',
  }),
  handshakeTimeout: setting(duration(10), '5s', 'For AUTH, HELLO, SELECT and ROLE on a new link.', {
    why: 'A busy server answers within this time; a hung one never does.',
  }),
  linkKeepAlive: setting(
    duration(1000),
    '10s',
    'TCP keep-alive: the kernel asks after the other end of a silent link after this time.',
    { why: 'Finds half-open connections without a command of our own.' },
  ),
  maxBulk: setting(size(1024, 4 * 1024 ** 3), '512mb', 'The largest argument of a request.', {
    why: 'proto-max-bulk-len of redis-server.',
  }),
  maxInline: setting(size(1024, 1024 ** 2), '64kb', 'The longest inline request or header line.', {
    why: 'PROTO_INLINE_MAX_SIZE of redis-server.',
  }),
  pollInterval: setting(
    // The vote believes an answer for 5 s, a ROLE reply for 2: one answer in between may be lost.
    duration(50, 2_000),
    '1s',
    'How often every sentinel is asked for the master, beside listening to its events.',
    { why: 'An event that was lost is made good within a second.' },
  ),
  shutdownTimeout: setting(
    duration(10),
    '10s',
    'After SIGTERM: the time that commands in flight get before everything is closed.',
    { why: 'The grace of `docker stop`.' },
  ),
  scriptCacheBytes: setting(
    size(0),
    '16mb',
    'Bodies of scripts remembered per process, so that EVALSHA works on a new master; 0b: none.',
    { why: 'Thousands of scripts; script caches do not survive a change of master.' },
  ),
}
