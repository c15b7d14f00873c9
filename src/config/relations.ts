import { isIP } from 'node:net'
import { dnsQuestion } from './directory.ts'
import { durationText, listenText, sizeText } from './values.ts'
import type { GroupConfig, SharedConfig } from './schema.ts'

/**
 * Contradictions between keys that are each right by themselves. Each problem names the keys, their
 * values and the relation that must hold.
 */

/** Relations among the keys of the whole process. */
export function sharedProblems(config: SharedConfig): string[] {
  const problems: string[] = []
  const sizes = sizeText
  const less = (
    small: keyof SharedConfig,
    large: keyof SharedConfig,
    orEqual: boolean,
    text: (value: number) => string,
  ): void => {
    const a = Number(config[small])
    const b = Number(config[large])
    if (a < b || (orEqual && a === b)) return
    const relation = orEqual ? 'at most' : 'less than'
    problems.push(`${small} (${text(a)}) must be ${relation} ${large} (${text(b)})`)
  }
  less('clientOutputPause', 'clientOutputLimit', false, sizes)
  less('streamAbove', 'maxBulk', true, sizes)
  less('streamAbove', 'holdMaxBytes', true, sizes)
  less('maxInline', 'maxBulk', true, sizes)
  less('drainBatch', 'holdMaxCommands', true, String)
  less('connectTimeout', 'linkKeepAlive', true, durationText)
  return problems
}

/** Relations among the keys of one group; `where` names it in messages. */
export function groupProblems(group: GroupConfig, shared: SharedConfig, where: string): string[] {
  const problems: string[] = []
  const say = (text: string): void => {
    problems.push(`${where}${text}`)
  }
  if (group.holdWindow !== 'auto') {
    const window = durationText(group.holdWindow)
    if (shared.switchGrace >= group.holdWindow) {
      const grace = durationText(shared.switchGrace)
      say(`switchGrace (${grace}) must be less than holdWindow (${window})`)
    }
  }
  for (const side of ['upstream', 'sentinel'] as const) {
    if (group[`${side}User`] !== null && group[`${side}Password`] === null) {
      say(`${side}User is set: ${side}Password or ${side}PasswordFile must be set too`)
    }
    const parts = ['Ca', 'Cert', 'Key', 'Servername'] as const
    const given = parts.filter((part) => group[`${side}Tls${part}`] !== null)
    if (given.length > 0 && !group[`${side}Tls`]) {
      say(`${given.map((part) => `${side}Tls${part}`).join(', ')} given, but ${side}Tls is no`)
    }
    if ((group[`${side}TlsCert`] === null) !== (group[`${side}TlsKey`] === null)) {
      say(`${side}TlsCert and ${side}TlsKey go together: give both or none`)
    }
  }
  problems.push(...discoveryProblems(group, where))
  return problems
}

function discoveryProblems(group: GroupConfig, where: string): string[] {
  const { discovery, discoveryService: service, discoveryServers: servers } = group
  const problems: string[] = []
  const say = (text: string): void => {
    problems.push(`${where}discovery is ${discovery}: ${text}`)
  }
  if (discovery === 'lainlet') {
    say('this version does not speak to lainlet; allowed: static, dns, consul')
    return problems
  }
  if (discovery !== 'dns' && servers.length > 0) say('discoveryServers has no use')
  if (discovery === 'static') {
    if (service !== null || group.discoveryUrl !== '') {
      say('discoveryService and discoveryUrl have no use')
    }
    return problems
  }
  if (group.sentinels.length > 0) say('sentinels has no use')
  if (service === null) say('discoveryService must be set')
  if (discovery === 'consul' && group.discoveryUrl === '') say('discoveryUrl must be set')
  if (discovery !== 'dns') return problems
  if (group.discoveryUrl !== '') say('discoveryUrl has no use')
  if (service !== null && dnsQuestion(service) === null) {
    say(`discoveryService ${JSON.stringify(service)}: allowed: name:port, or _service._proto.name`)
  }
  for (const { host } of servers) {
    if (isIP(host) === 0) say(`discoveryServers: ${host} is no IP address`)
  }
  return problems
}

/** The same group twice, by its place in `groups`: everything that is known of one is kept by its name. */
export function nameProblems(groups: ReadonlyMap<number, GroupConfig>): string[] {
  const problems: string[] = []
  const firstWith = new Map<string, number>()
  for (const [index, { masterName }] of groups) {
    const first = firstWith.get(masterName)
    if (first === undefined) firstWith.set(masterName, index)
    else
      problems.push(
        `groups[${index}]: masterName "${masterName}" is that of groups[${first}] already`,
      )
  }
  return problems
}

/** The same address twice. Port 0 (any free port) never collides. */
export function listenProblems(groups: readonly GroupConfig[], shared: SharedConfig): string[] {
  const problems: string[] = []
  const takenBy = new Map<string, string>()
  const take = (text: string, who: string): void => {
    const other = takenBy.get(text)
    if (other !== undefined) problems.push(`${who} and ${other} are both ${text}`)
    takenBy.set(text, who)
  }
  for (const group of groups) {
    for (const listen of group.listen) {
      if (listen.kind === 'unix' || listen.port !== 0) {
        take(listenText(listen), `listen of ${group.masterName}`)
      }
    }
  }
  const { admin } = shared
  if (admin !== 'off' && (admin.kind === 'unix' || admin.port !== 0)) {
    take(listenText(admin), 'admin')
  }
  if (shared.feed !== 'auto') take(`unix:${shared.feed}`, 'feed')
  return problems
}
