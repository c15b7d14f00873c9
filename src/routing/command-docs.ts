import { knownCommands } from './classes.ts'
import type { KnownCommand } from './classes.ts'
import type { ReplayClass, Route } from './traits.ts'

/** What each way means, for a reader who sees the word for the first time. */
const routes: Readonly<Record<Route, string>> = {
  lane: 'a shared link that carries the commands of many sessions',
  lease: 'an exclusive link, for the reason given, until that reason is over',
  control: 'a link that never queues behind data',
  session: 'the session looks first: it answers by itself, keeps state, or takes a lease',
}

const replays: Readonly<Record<ReplayClass, string>> = {
  read: 'sent again',
  blocking: 'issued again with the time that is left',
  'same-state': 'a second run gives the same state and the same reply; sent again only by policy',
  'other-reply': 'a second run gives the same state, another reply; sent again only by policy',
  'time-relative': 'a second run moves an expiry; sent again only by policy',
  never: 'never sent again: the client gets `-INDOUBT`',
}

/** What no proxy can hide, each with what a client sees and what to do about it. */
const visible: readonly (readonly [what: string, how: string])[] = [
  [
    'CLIENT PAUSE',
    'The server stops whole connections. A write that is paused on a lane keeps ' +
      'everything behind it on the same link waiting, reads too; after PAUSE ALL even ' +
      'CLIENT UNPAUSE waits until the pause is over. FAILOVER pauses in the same way.',
  ],
  [
    'Addresses and names of connections',
    'SLOWLOG, MONITOR, ACL LOG and a CLIENT LIST that is asked of the server itself show the ' +
      'links of the proxy, by its address and under names that tell what they are for ' +
      '(`switchmaster:lane`, `switchmaster:lease` …).',
  ],
  [
    'CLIENT LIST',
    'Through the proxy each of its clients has a line, with the id, address and name that the ' +
      'client knows of itself. One that has a link for itself has the line of that link; one ' +
      'that shares links has a shorter line, without what only a connection has (fd, idle, ' +
      'buffers, cmd …). The shared links are listed as well, under their own numbers; the ids ' +
      'of clients begin at 1000000000001, so that no number means both. CLIENT INFO shows the ' +
      'link of the moment with what is the client’s put in.',
  ],
  [
    'Clients of another process',
    'A worker, or another proxyd, knows its own clients only. To the others an id of one of ' +
      'them names nobody in CLIENT KILL, CLIENT UNBLOCK, CLIENT TRACKING REDIRECT and CLIENT ' +
      'LIST ID, and CLIENT LIST shows its links as links.',
  ],
  [
    'CLIENT KILL without an id or address of a client',
    'TYPE, USER, LADDR, MAXAGE and the like hit links. Sessions outlive their links; commands ' +
      'in flight are treated as after any loss of a link. With ID or ADDR the client that is ' +
      'meant is closed, whatever link it is on.',
  ],
  [
    'CLIENT UNBLOCK in a transaction',
    'Frees within EXEC a client that was waiting when it was queued. One that begins to wait ' +
      'between that and EXEC is freed right after EXEC, behind the commands that were queued ' +
      'with it.',
  ],
  [
    'Counts of clients',
    'INFO clients and connected_clients count links. maxclients, timeout, ' +
      'maxmemory-clients and the limits of output buffers apply to links, so one reader ' +
      'must not be let stop a shared link.',
  ],
  [
    'SCAN cursors across a failover',
    'A cursor belongs to one process: each server seeds its hash anew. A SCAN, SSCAN, ' +
      'HSCAN or ZSCAN that goes on after a switch may leave out keys without an error. ' +
      'Begin again with 0.',
  ],
  [
    'What one instance keeps for itself',
    'CONFIG SET, ACL SETUSER, ACL DELUSER, MODULE LOAD, the slow log and ' +
      'the latency events are not replicated. After a switch the new master has its own; ' +
      'configure every instance alike.',
  ],
  [
    'Scripts',
    'A new master is given the scripts that were seen in EVAL, EVAL_RO and SCRIPT LOAD ' +
      '(`scriptCacheBytes`; not those in requests above `streamAbove`) before anybody gets ' +
      'there. EVALSHA of any other may be told NOSCRIPT, as after a restart of the server. ' +
      'SCRIPT FLUSH makes only its own worker forget them. ' +
      'While a script is busy, sessions on the same link get nothing, not even -BUSY; ' +
      'SCRIPT KILL and FUNCTION KILL go by the control link and work.',
  ],
  [
    'WATCH across a failover',
    'The server forgets watched keys with their link. EXEC then answers nil, as if a key ' +
      'had changed, and the client tries again.',
  ],
  [
    'WAIT after a failover',
    'Writes to the old master that no WAIT has confirmed may be gone, and nobody can ' +
      'count the replicas that have them: WAIT answers -UNBLOCKED once.',
  ],
  [
    'Messages while there is no master',
    'Subscriptions are made again on the new master. What is published in between ' +
      'reaches nobody, as when a client connects again by itself. A tracking client, or ' +
      'the one that its invalidations are redirected to, gets a flush of everything.',
  ],
  [
    'Commands in flight',
    'A closed connection proves nothing about the commands on it. Reads are sent again; ' +
      'a write gets -INDOUBT, unless the policy allows its replay class.',
  ],
  [
    'XREAD with `$` across a failover',
    'Issued again, `$` means the end of the stream of that moment; entries added in the ' +
      'gap are not seen. Use the last id that was read.',
  ],
  [
    'rename-command',
    'Since Redis 7.0 COMMAND lists a renamed command under its old name only, so new ' +
      'names must be told to the proxy (`renameCommands`). One that it was not told is taken for ' +
      'unknown and goes to a lane: safe for a command that leaves no state on its connection, ' +
      'and for no other. What the proxy says to servers itself (AUTH, CLIENT, MULTI, ROLE …) ' +
      'must keep its name.',
  ],
]

/** The rules of `replay-rules.ts` in words. */
const rules: readonly (readonly [commands: string, rule: string])[] = [
  ['SET', 'plain, KEEPTTL, EXAT, PXAT: `same-state`; EX, PX: `time-relative`; else `never`'],
  [
    'GETEX',
    'plain: `read`; PERSIST: `same-state`; EX, PX: `time-relative`; EXAT, PXAT: `other-reply`',
  ],
  [
    '[H][P]EXPIRE',
    'plain or XX: `time-relative`; NX, LT, or a time of 0 or less: `other-reply`; GT: `never`',
  ],
  [
    '[H][P]EXPIREAT',
    'plain or XX: `same-state`; NX, GT, LT, or a time that has passed: `other-reply`',
  ],
  ['LREM', 'count 0: `other-reply`; else `never`'],
  ['LTRIM', '`0 n` or `-n -1`: `same-state`; else `never`'],
  ['ZADD', 'with INCR: `never`; else `other-reply`'],
  ['XTRIM', 'with LIMIT: `never`; else `other-reply`'],
  ['XGROUP SETID', 'an id: `same-state`; `$`: `never`'],
  ['COPY, RESTORE', 'with REPLACE: `same-state` (`time-relative` with a ttl); else `never`'],
  ['FUNCTION LOAD', 'with REPLACE: `same-state`; else `never`'],
  ['BITOP, PFMERGE, …STORE', 'the destination is no source: `same-state`; else `never`'],
  [
    'SORT, GEORADIUS, GEORADIUSBYMEMBER',
    'without STORE: `read`; with STORE to another key: `same-state`; else, and for SORT ' +
      'with STORE and a pattern in BY or GET: `never`',
  ],
  ['XREAD', 'with BLOCK: `blocking`; else `read`'],
  ['XREADGROUP', 'with BLOCK and only `>`: `blocking`; else `never`'],
]

/** The text of `docs/commands.md`. */
export function commandDocs(): string {
  const rows = [...knownCommands.values()]
    .sort((a, b) => (a.traits.name < b.traits.name ? -1 : 1))
    .map(rowOf)
  return [
    '# Commands',
    '',
    '<!-- Written by scripts/generate-command-docs.mjs. Do not edit. -->',
    '',
    '<!-- prettier-ignore-start -->',
    '',
    'Which way every command of Redis 6.2 to 8.0 and of Valkey 8 goes, and what happens to it when',
    'its link dies before the reply. What a command may do is for the ACL of the server to say:',
    'nothing is refused here that the server would allow, unless the configuration says so.',
    '',
    '## Routes',
    '',
    ...Object.entries(routes).map(([route, meaning]) => `- \`${route}\`: ${meaning}`),
    '',
    'A command that is not in the table goes by the flags that the master gives it in COMMAND:',
    'of a module → lease; `blocking`, or `no_multi` with `noscript` → lease; `pubsub` with',
    '`noscript`, or an unknown subcommand of CLIENT → lease to the end of the session;',
    '`admin` → control; all else → lane, sent again only if it is `readonly`. A name that the',
    'master does not have either goes to a lane and is answered by the server itself; so is a',
    'container without a known subcommand. A name with a NUL byte in it gets a link of its own for',
    'one call, because servers may take it for the command before the NUL.',
    '',
    '## When the outcome is unknown',
    '',
    ...Object.entries(replays).map(([replay, meaning]) => `- \`${replay}\`: ${meaning}`),
    '',
    'Where the arguments decide:',
    '',
    '| command | rule |',
    '|---|---|',
    ...rules.map(([commands, rule]) => `| ${commands} | ${rule} |`),
    '',
    '## Every command',
    '',
    'From Redis 7.4 on FLUSHALL, FLUSHDB and SFLUSH take a lease, because they block their',
    'connection. ◆ marks what may be large or slow.',
    '',
    '| command | route | reason or verb | outcome unknown | why |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## What cannot be made invisible',
    '',
    ...visible.map(([what, how]) => `- **${what}.** ${how}`),
    '',
    '<!-- prettier-ignore-end -->',
    '',
  ].join('\n')
}

function rowOf({ traits, why }: KnownCommand): string {
  const name = traits.name.toUpperCase().replace('|', ' ')
  const replay = traits.replayByArgs ? 'by arguments' : traits.replay
  const reason = traits.reason ?? traits.verb ?? ''
  return `| ${name}${traits.heavy ? ' ◆' : ''} | ${traits.route} | ${reason} | ${replay} | ${why} |`
}
