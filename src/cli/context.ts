/** What every command shares: the options they have in common, and what becomes of them. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { SallyportError } from '../errors/index.ts'
import type { Access, RunEvent } from '../index.ts'
import type { Result } from './outcome.ts'
import { Progress, type ProgressStyle } from './progress.ts'

export interface Common {
  json: boolean
  quiet: boolean
}

/** When this version was made: no clock before it is right. Moved on with every release. */
export const BUILT = new Date('2026-11-01T00:00:00Z')

/** Given to each command's handler. */
export interface Context extends Common {
  now: Date
  built: Date
  signal: AbortSignal
  onEvent: (event: RunEvent) => void
}

export type Handler<T> = (argv: T, context: Context) => Promise<Result>

/** The user's own folder of a kind (XDG Base Directory Specification), where an empty variable counts as none. */
export function userFolder(variable: string, otherwise: string): string {
  const named = process.env[variable]
  return named === undefined || named === '' ? join(homedir(), otherwise) : named
}

/** Where the state is when no option says: below the user's own state folder. */
export function defaultState(): string {
  return join(userFolder('XDG_STATE_HOME', '.local/state'), 'sallyport')
}

export function withState<T>(yargs: Argv<T>): Argv<T & { state: string }> {
  return yargs.option('state', {
    type: 'string',
    describe: "the site's state folder",
    default: defaultState(),
    defaultDescription: '~/.local/state/sallyport',
    requiresArg: true,
  })
}

export function withRegistry<T>(yargs: Argv<T>): Argv<T & RegistryArgs> {
  return yargs
    .option('authfile', {
      type: 'string',
      describe: 'docker config.json with credentials [where docker and podman keep theirs]',
      requiresArg: true,
    })
    .option('ca-file', { type: 'string', describe: 'further certificate authorities (PEM)', requiresArg: true })
    .option('cert', { type: 'string', describe: 'client certificate (PEM)', requiresArg: true })
    .option('cert-key', { type: 'string', describe: 'key of the client certificate (PEM)', requiresArg: true })
    .option('plain-http', { type: 'boolean', describe: 'speak HTTP without TLS', default: false })
    .option('allow-realm', {
      type: 'string',
      array: true,
      describe: 'a token service on another host that may see credentials',
      default: [] as string[],
    })
    .option('concurrency', { type: 'number', describe: 'requests under way at once', default: 8, requiresArg: true })
    .option('retries', {
      type: 'number',
      describe: 'how often a failed request is repeated',
      default: 5,
      requiresArg: true,
    })
}

export interface RegistryArgs {
  authfile: string | undefined
  caFile?: string | undefined
  'ca-file': string | undefined
  cert: string | undefined
  certKey?: string | undefined
  'cert-key': string | undefined
  plainHttp?: boolean
  'plain-http': boolean
  allowRealm?: string[]
  'allow-realm': string[]
  concurrency: number
  retries: number
}

/** The registry options as the verbs take them. Throws USAGE. */
export async function accessOf(argv: RegistryArgs, hosts: readonly string[]): Promise<Access> {
  const { registryAccess } = await import('../index.ts')
  const concurrency = whole('--concurrency', argv.concurrency, 1, 256)
  const retries = whole('--retries', argv.retries, 0, 256)
  return registryAccess(
    {
      authfile: argv.authfile,
      env: process.env,
      home: homedir(),
      caFile: argv['ca-file'],
      cert: argv.cert,
      certKey: argv['cert-key'],
      plainHttp: argv['plain-http'],
      retries,
      concurrency,
      allowRealms: argv['allow-realm'],
    },
    hosts,
  )
}

function styleOf({ json, quiet }: Common): ProgressStyle {
  if (quiet) return 'none'
  if (json) return 'json'
  return process.stderr.isTTY ? 'terminal' : 'plain'
}

/** Ends the process as an unhandled Ctrl-C does, 130 to a shell. `process.exit` would wait for a read of a silent pipe. */
export function dieOfSignal(): void {
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}

/**
 * The context of one run; `end` gives the terminal back.
 * @param guarded - a signal ends the run in order; else it ends the process at once, as the system has it
 */
export function contextOf(common: Common, guarded: boolean): Context & { end: () => void } {
  const progress = new Progress(process.stderr, styleOf(common))
  const stop = new AbortController()
  let asked = 0
  const onSignal = (): void => {
    // The first signal ends the run in order; a further one ends it at once, which the state survives too.
    if (asked++ > 0) dieOfSignal()
    stop.abort()
  }
  if (guarded) {
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  }
  return {
    ...common,
    now: new Date(),
    built: BUILT,
    signal: stop.signal,
    onEvent: progress.listen,
    end: () => {
      progress.finish()
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** Registers a handler; the caller runs it and turns its result into output. What yargs gives is what was declared beside it. */
export type Register = <T>(verb: string, handler: Handler<T>) => (argv: object) => Promise<void>

/** Refuses an option that decides nothing without another one: it would be taken for one that did. */
export function demandCompany(option: string, given: unknown, companion: string, there: unknown): void {
  const isGiven = given !== undefined && given !== false && !(Array.isArray(given) && given.length === 0)
  if (isGiven && there === undefined) throw usage(option, `it goes with ${companion}`)
}

/** A fault of the command line; `subject` is the option or command. */
export function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'state', subject, detail })
}

/** The hosts that a plan's references name, for the credential helpers. */
export function hostsOf(refs: readonly string[]): string[] {
  return refs
    .filter((ref) => !ref.startsWith('oci:'))
    .map((ref) =>
      ref.includes('/') && /[.:]|^localhost$/.test(ref.split('/')[0] ?? '') ? (ref.split('/')[0] ?? '') : 'docker.io',
    )
}

/** A folder's path without the slash that a shell completes it with. */
export function folderPath(dir: string): string {
  return dir.replace(/(?<=.)\/+$/, '')
}

/** Of people who must approve; how many there are is asked where they are known. */
export const THRESHOLD_CAP = 1000

/** A whole number within bounds, or what was not given. Throws USAGE. */
export function whole<T extends number | undefined>(option: string, value: T, least: number, most: number): T {
  if (value !== undefined && (!Number.isInteger(value) || value < least || value > most))
    throw usage(option, `a whole number from ${least} to ${most}`)
  return value
}
