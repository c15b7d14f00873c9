import { setting } from './setting.ts'
import {
  addresses,
  addressMap,
  choice,
  commandRenames,
  duration,
  durationOrAuto,
  listenAddresses,
  optionalText,
  word,
  yesNo,
} from './values.ts'

/** The keys of one group; with `groups:` each entry has its own, else they stand at the top. */
export const groupSettings = {
  listen: setting(
    listenAddresses(),
    '127.0.0.1:8889',
    'Where clients connect. Repeatable as a flag.',
  ),
  sentinels: setting(
    addresses(),
    '',
    'The sentinels of the group. Give all that you know: more are found through them.',
  ),
  masterName: setting(
    word(/^[\w.-]{1,128}$/, 'letters, digits, dot, dash, underscore (what Sentinel allows)'),
    'mymaster',
    'The name by which the sentinels know the group.',
  ),
  discovery: setting(
    choice('static', 'dns', 'consul', 'lainlet'),
    'static',
    'Where the addresses of the sentinels come from: the list in `sentinels`, or a directory. `lainlet` is refused: this version does not speak to it.',
  ),
  discoveryUrl: setting(
    word(/^(|https?:\/\/[^\s]+)$/, 'an http:// or https:// URL'),
    '',
    'The HTTP API of a `consul` agent.',
  ),
  discoveryService: setting(
    optionalText('a DNS name with port, a DNS name of SRV records, or a Consul service'),
    null,
    'What to look up. dns: `name:port` for all addresses (A, AAAA) of the name, or a name that begins with `_` for its SRV records; consul: the service, of which passing instances count. DNS names are written in full.',
  ),
  discoveryServers: setting(
    addresses(),
    '',
    'The DNS servers to ask, by IP address, instead of those of the system.',
  ),
  discoveryToken: setting(optionalText('a token'), null, 'The Consul ACL token.', { secret: true }),
  discoveryTokenFile: setting(optionalText('a path'), null, 'A file with the Consul ACL token.'),
  discoveryInterval: setting(duration(100), '10s', 'Time between two look-ups in the directory.', {
    why: 'A sentinel that moved is found again before its group needs it; a directory is not flooded.',
  }),
  poolMode: setting(
    choice('multiplexed', 'dedicated'),
    'multiplexed',
    'Whether clients share upstream links, or each client has one of its own.',
  ),
  holdWindow: setting(
    durationOrAuto(100),
    'auto',
    'The longest that a command waits for a new master before it is answered with MASTERDOWN.',
    { why: 'auto: the down-after-milliseconds of the group + 5 s, and at least 15 s.' },
  ),
  inDoubt: setting(
    choice('error', 'close', 'retry-idempotent'),
    'error',
    'What a client gets for a write whose outcome cannot be known: the INDOUBT error, a closed connection, or, for commands that reach the same state when run twice, a second attempt.',
  ),
  addressMap: setting(
    addressMap(),
    '',
    'Addresses that the group announces but that are reached elsewhere (NAT, port forwarding). Where `ctl` tells a server of another, it uses the announced one, the first of several.',
  ),
  renameCommands: setting(
    commandRenames(),
    '',
    'The `rename-command` lines of the servers, the same on all of them: the new name of a command gets the way of the old one.',
    {
      why: 'A server does not tell its renames: without this, a renamed command that needs a link of its own (BLPOP, MONITOR, CONFIG …) is taken for an unknown one.',
    },
  ),
  upstreamUser: setting(optionalText('an ACL user'), null, 'ACL user of the probes of our own.'),
  upstreamPassword: setting(
    optionalText('a password'),
    null,
    'Password for probes of our own (ROLE, PING); clients authenticate with their own.',
    { secret: true },
  ),
  upstreamPasswordFile: setting(
    optionalText('a path'),
    null,
    'A file with that password; a newline at its end is not part of it.',
  ),
  sentinelUser: setting(optionalText('an ACL user'), null, 'ACL user on the sentinels.'),
  sentinelPassword: setting(optionalText('a password'), null, 'Password of the sentinels.', {
    secret: true,
  }),
  sentinelPasswordFile: setting(optionalText('a path'), null, 'A file with that password.'),
  upstreamTls: setting(yesNo(), 'no', 'TLS to masters and replicas. Certificates are verified.'),
  upstreamTlsCa: setting(optionalText('a path'), null, 'PEM file of the authorities to trust.'),
  upstreamTlsCert: setting(optionalText('a path'), null, 'PEM file of our certificate.'),
  upstreamTlsKey: setting(optionalText('a path'), null, 'PEM file of its private key.'),
  upstreamTlsServername: setting(
    optionalText('a host name'),
    null,
    'The name that certificates must carry, where it is not the host that we connect to.',
  ),
  sentinelTls: setting(yesNo(), 'no', 'TLS to the sentinels. Certificates are verified.'),
  sentinelTlsCa: setting(optionalText('a path'), null, 'PEM file of the authorities to trust.'),
  sentinelTlsCert: setting(optionalText('a path'), null, 'PEM file of our certificate.'),
  sentinelTlsKey: setting(optionalText('a path'), null, 'PEM file of its private key.'),
  sentinelTlsServername: setting(
    optionalText('a host name'),
    null,
    'The name that certificates must carry, where it is not the host that we connect to.',
  ),
}
