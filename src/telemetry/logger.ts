import { pino } from 'pino'
import { PinoPretty } from 'pino-pretty'

/**
 * What every room logs with. The facts come first, as an object, and the sentence second; secrets
 * are masked by their names. Never one line per command.
 */
export interface Logger {
  trace(facts: object, sentence: string): void
  debug(facts: object, sentence: string): void
  info(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
  error(facts: object, sentence: string): void
  fatal(facts: object, sentence: string): void
  /** A logger that adds the given facts to every line. */
  child(facts: object): Logger
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface LoggerOptions {
  readonly level: LogLevel
  /** For people; false: one JSON object a line. */
  readonly pretty: boolean
  /** Which part of the program: `monitor`, `proxyd`, `up`. */
  readonly part: string
}

/** At most this many bytes wait for a log collector that stopped reading; then lines are dropped. */
const maxWaitingBytes = 4 * 1024 ** 2

const secrets = ['password', 'token', 'auth', 'secret']
const redact = {
  paths: [...secrets, ...secrets.map((name) => `*.${name}`)],
  censor: '********',
}

/** Logs to standard output, without ever blocking the event loop on a full pipe when in JSON. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = { level: options.level, redact, base: { part: options.part, pid: process.pid } }
  if (options.pretty) {
    const stream = PinoPretty({
      sync: true,
      ignore: 'pid,hostname,part',
      translateTime: 'SYS:HH:MM:ss.l',
      messageFormat: '{part}: {msg}',
      hideObject: false,
      colorize: process.stdout.isTTY,
    })
    return pino(settings, stream)
  }
  const destination = pino.destination({ fd: 1, sync: false, maxLength: maxWaitingBytes })
  // A reader that is gone (`| head`) ends the log, not the proxy.
  destination.on('error', () => undefined)
  return pino(settings, destination)
}

const nothing = (): void => undefined

/** For tests and for libraries that are given no logger. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
}
