import type { CommandClass } from './command-class.ts'
import type { SessionVerb } from './traits.ts'

const rebuilt = 'State of its connection: the session rebuilds it, nobody sends it twice.'

function session(verb: SessionVerb, names: string, why: string): CommandClass {
  return { why, route: 'session', verb, replay: 'never', write: false, names }
}

/**
 * Commands that the session must understand, block their connection, or change the server or the
 * instance rather than the data.
 */
export const sessionClasses: readonly CommandClass[] = [
  session('auth', 'auth', `Proved on a link of its own, then another lane. ${rebuilt}`),
  session('hello', 'hello', `Answered with the server's own map. ${rebuilt}`),
  session(
    'select',
    'select',
    `A link hears of the database with the next command that needs it. ${rebuilt}`,
  ),
  session('reset', 'reset', `Ends everything that the session has built up. ${rebuilt}`),
  session('quit', 'quit', 'Ends the session after the replies that are still owed.'),
  session('multi', 'multi', `A whole transaction in one piece needs no lease. ${rebuilt}`),
  { ...session('exec', 'exec', 'When its link dies, nobody knows whether it ran.'), write: true },
  session('discard', 'discard', rebuilt),
  session(
    'watch',
    'watch',
    'Watched keys live on one link and cannot be rebuilt: a lost one is dirty.',
  ),
  session('unwatch', 'unwatch', rebuilt),
  session('subscribe', 'subscribe', rebuilt),
  session('unsubscribe', 'unsubscribe', rebuilt),
  session('psubscribe', 'psubscribe', rebuilt),
  session('punsubscribe', 'punsubscribe', rebuilt),
  session('ssubscribe', 'ssubscribe', rebuilt),
  session('sunsubscribe', 'sunsubscribe', rebuilt),
  session('monitor', 'monitor', 'Turns its link into a stream without end.'),
  session('sync', 'psync sync', 'Turns its link into a stream of replication.'),
  session('replconf', 'replconf', 'Makes its link that of a replica; RESET does not undo it.'),
  session('script-debug', 'script|debug', 'The next EVAL becomes a dialogue on a raw link.'),
  session('client-setname', 'client|setname', `Kept by the session. ${rebuilt}`),
  session('client-setinfo', 'client|setinfo', 'Sent, and kept by the session: the link is shared.'),
  session(
    'client-reply',
    'client|reply',
    'The session leaves the replies out; a shared link never may.',
  ),
  session(
    'client-tracking',
    'client|tracking',
    `Invalidations come on this link alone. ${rebuilt}`,
  ),
  session('client-caching', 'client|caching', 'Concerns the next command on the same link.'),
  session('client-no-evict', 'client|no-evict', `A flag of its link. ${rebuilt}`),
  session('client-no-touch', 'client|no-touch', `A flag of its link. ${rebuilt}`),
  session('client-capa', 'client|capa', 'Absorbed: a redirection would tell the addresses behind.'),
  session('readonly', 'readonly readwrite', 'Of no effect outside a cluster; Valkey keeps a flag.'),
  session(
    'close',
    'host: post',
    'The server closes at once on what looks like HTTP; so does the proxy.',
  ),
  {
    ...session('client-id', 'client|id', 'A virtual id that stays the same across a failover.'),
    replay: 'read',
  },
  {
    ...session(
      'client-info',
      'client|info',
      'The line of a link, rewritten to be that of the client.',
    ),
    replay: 'read',
  },
  { ...session('client-getname', 'client|getname', 'The session knows the name.'), replay: 'read' },
  {
    ...session('client-trackinginfo', 'client|trackinginfo', 'Ids in it are translated.'),
    replay: 'read',
  },
  {
    ...session('client-getredir', 'client|getredir', 'The id in it is translated.'),
    replay: 'read',
  },
  {
    why: 'Blocks its connection with the option BLOCK.',
    route: 'session',
    verb: 'xread',
    replayByArgs: true,
    inRun: true,
    write: false,
    names: 'xread',
  },
  {
    why: 'Blocks its connection with the option BLOCK, when every id is `>`.',
    route: 'session',
    verb: 'xread',
    replayByArgs: true,
    inRun: true,
    names: 'xreadgroup',
  },
  {
    why: 'Counts from the last write of its own link, and blocks it.',
    route: 'session',
    verb: 'wait',
    replay: 'never',
    write: false,
    names: 'wait waitaof',
  },
  {
    why: 'Blocks its connection until an element comes or its time has run out.',
    route: 'lease',
    reason: 'blocking',
    replay: 'blocking',
    inRun: true,
    names: 'blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin',
  },
  {
    why: 'Nobody but its author knows what a second run would do. The script is remembered.',
    route: 'session',
    verb: 'script',
    replay: 'never',
    inRun: true,
    names: 'eval',
  },
  {
    why: 'Nobody but its author knows what a second run would do.',
    route: 'lane',
    verb: 'script-use',
    replay: 'never',
    inRun: true,
    names: 'evalsha',
  },
  {
    why: 'Reads only: asking again does no harm. The script is remembered.',
    route: 'session',
    verb: 'script',
    replay: 'read',
    inRun: true,
    names: 'eval_ro',
  },
  {
    why: 'Reads only: asking again does no harm.',
    route: 'lane',
    verb: 'script-use',
    replay: 'read',
    inRun: true,
    names: 'evalsha_ro',
  },
  {
    why: 'The same again, and the same reply. The script is remembered.',
    route: 'session',
    verb: 'script',
    replay: 'same-state',
    inRun: true,
    names: 'script|load',
  },
  {
    why: 'May stop or kill the server, or send frames that answer nothing: a link of its own.',
    route: 'lease',
    reason: 'admin',
    replay: 'never',
    names: 'debug migrate module|load module|loadex module|unload pfdebug pfselftest save',
  },
  {
    why: 'No reply on success, and it must never reach the next master.',
    route: 'control',
    verb: 'shutdown',
    replay: 'never',
    names: 'shutdown',
  },
  {
    why: 'Must never queue behind data, nor go to the next master.',
    route: 'control',
    replay: 'never',
    names: 'failover replicaof slaveof',
  },
  {
    why: 'Must never queue behind data, nor go to the next master; our memory of scripts goes too.',
    route: 'control',
    verb: 'script-flush',
    replay: 'never',
    names: 'script|flush',
  },
  {
    why: 'Changes or reads one instance, is not replicated, and must never queue behind data.',
    route: 'control',
    replay: 'never',
    write: false,
    names: `
      acl|deluser acl|load acl|log acl|save acl|setuser bgrewriteaof bgsave client|pause
      client|unpause config|resetstat config|rewrite config|set latency|reset memory|purge
      slowlog|reset`,
  },
  {
    why: 'Works while a script is busy, so it must not queue behind that script.',
    route: 'control',
    replay: 'never',
    write: false,
    names: 'function|kill function|stats script|kill',
  },
  {
    why: 'Ids of clients in it are virtual and are translated.',
    route: 'control',
    verb: 'client-kill',
    replay: 'never',
    write: false,
    names: 'client|kill',
  },
  {
    why: 'Ids of clients in it are virtual and are translated.',
    route: 'control',
    verb: 'client-unblock',
    replay: 'never',
    write: false,
    names: 'client|unblock',
  },
  {
    why: 'Shows links; the session makes clients of those that are theirs alone, and adds the others.',
    route: 'control',
    verb: 'client-list',
    replay: 'never',
    write: false,
    names: 'client|list',
  },
]
