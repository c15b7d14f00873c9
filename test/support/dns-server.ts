import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'

/** What a name has. A name that is not in the zone is answered with NXDOMAIN. */
export interface DnsRecords {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly { readonly name: string; readonly port: number }[]
}

const TYPES = { a: 1, aaaa: 28, srv: 33 } as const
const SERVFAIL = 2
const NXDOMAIN = 3

/** A DNS server on loopback (UDP) with a zone that the test may change at any time. */
export class DnsServer {
  /** By name in lower case. */
  zone: Readonly<Record<string, DnsRecords>> = {}
  /** `fail` answers SERVFAIL, `silent` nothing. */
  mood: 'well' | 'fail' | 'silent' = 'well'
  /** Names that were asked for, in order. */
  readonly questions: string[] = []
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (query, from) => this.#answer(query, from))
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    const { name, end } = nameAt(query, 12)
    this.questions.push(name)
    if (this.mood === 'silent') return
    const type = query.readUInt16BE(end)
    const records = this.zone[name]
    const answers = this.mood === 'fail' || records === undefined ? [] : dataOf(records, type)
    const code = this.mood === 'fail' ? SERVFAIL : records === undefined ? NXDOMAIN : 0
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8580 | code, 2) // an authoritative response
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length, 6)
    const question = query.subarray(12, end + 4)
    const lines = answers.map((data) => resourceRecord(type, data))
    this.#socket.send(Buffer.concat([header, question, ...lines]), from.port, from.address)
  }
}

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return new DnsServer(socket)
}

function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let size = message[at] ?? 0; size > 0; size = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + size))
    at += 1 + size
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

function encodedName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'))
  const parts = labels.flatMap((label) => [Buffer.of(label.length), label])
  return Buffer.concat([...parts, Buffer.of(0)])
}

/** The data of all records of one type. */
function dataOf(records: DnsRecords, type: number): Buffer[] {
  if (type === TYPES.a) return (records.a ?? []).map((ip) => Buffer.from(ip.split('.').map(Number)))
  if (type === TYPES.aaaa) return (records.aaaa ?? []).map(v6Bytes)
  if (type !== TYPES.srv) return []
  return (records.srv ?? []).map(({ name, port }) => {
    const numbers = Buffer.alloc(6) // priority, weight, port
    numbers.writeUInt16BE(port, 4)
    return Buffer.concat([numbers, encodedName(name)])
  })
}

/** An address written with all its eight groups or with one `::`. */
function v6Bytes(text: string): Buffer {
  const [head = [], tail = []] = text
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [n, group] of [...head, ...zeros, ...tail].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), n * 2)
  }
  return bytes
}

/** With a pointer to the name in the question, of class IN, to be kept for 0 s. */
function resourceRecord(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
