/** What the commands that write a bundle share: `export` and `revocation collect`. */
import { isatty } from 'node:tty'
import type { Argv } from 'yargs'
import type { ByteOutput, ExportReport, Plan } from '../index.ts'
import { readWhole, STANDARD_INPUT } from './capped-file.ts'
import { accessOf, hostsOf, usage, whole, type RegistryArgs } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { standardOutput } from './standard-output.ts'
import { secondOf } from './time-option.ts'

export interface BundleArgs extends RegistryArgs {
  keys: string
  as: string | undefined
  output: string | undefined
  head: string | undefined
  approved: string | undefined
  'for-site': string[]
  map: string[]
  'valid-days': number
  created: string | undefined
  sequence: number | undefined
  'passphrase-file': string | undefined
  'allow-private': boolean
  'dry-run': boolean
}

/** The options of a bundle that is about to be written. */
export function withBundle<T>(yargs: Argv<T>): Argv<T & Omit<BundleArgs, keyof RegistryArgs>> {
  return yargs
    .option('keys', { type: 'string', describe: "the channel's folder", demandOption: true, requiresArg: true })
    .option('as', { type: 'string', describe: 'whose key signs', requiresArg: true })
    .option('output', { alias: 'o', type: 'string', describe: 'the bundle, or - for a pipe', requiresArg: true })
    .option('head', {
      type: 'string',
      describe: 'write only the head of the bundle, to be approved before it is streamed',
      requiresArg: true,
    })
    .option('approved', {
      type: 'string',
      describe: 'the approved head that -o - streams behind',
      requiresArg: true,
    })
    .option('for-site', {
      type: 'string',
      array: true,
      describe: 'a site the bundle is for',
      default: [] as string[],
    })
    .option('map', {
      type: 'string',
      array: true,
      describe: 'FROM=TO: where a repository goes at the target',
      default: [] as string[],
    })
    .option('valid-days', {
      type: 'number',
      default: 30,
      describe: 'days until the bundle expires',
      requiresArg: true,
    })
    .option('created', { type: 'string', describe: 'the time in the bundle, for equal bytes', requiresArg: true })
    .option('sequence', { type: 'number', describe: 'a sequence above all before', requiresArg: true })
    .option('passphrase-file', { type: 'string', describe: "file with the keys' passphrase", requiresArg: true })
    .option('allow-private', {
      type: 'boolean',
      default: false,
      describe: 'also fetch lists from this machine and private networks',
    })
    .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be written' })
}

/** Above what a plan may come to, whose reader refuses what is longer than that. */
const PLAN_CAP = 16 * 1024 * 1024

/** The text of a plan file, or of standard input for `-`. Throws FILE_UNREADABLE. */
export function readPlan(file: string): string {
  return readWhole(file === '-' ? STANDARD_INPUT : file, PLAN_CAP).toString('utf8')
}

/** Where lists come from, over what the plan says: `network`, `none`, or a folder. */
function withRevocation(plan: Plan, from: string | undefined, allowPrivate: boolean): Plan {
  if (from === undefined && !allowPrivate) return plan
  const { collect, from: folder, ...rest } = plan.revocation ?? { accept: [], nextBundle: '7d', chains: [] }
  const planned = { ...(collect === undefined ? {} : { collect }), ...(folder === undefined ? {} : { from: folder }) }
  const named =
    from === 'network' || from === 'none' ? ({ collect: from } as const) : { collect: 'folder' as const, from }
  const chosen = from === undefined ? planned : named
  return { ...plan, revocation: { allowPrivate: false, ...rest, ...chosen, ...(allowPrivate ? { allowPrivate } : {}) } }
}

export interface BundleTerms {
  plan: Plan
  planName: string | undefined
  keys: string
  holder: string | undefined
  passphrase: (file: string) => Promise<Buffer>
  output: string | ByteOutput
  headOnly: boolean
  approved: string | undefined
  registry: Awaited<ReturnType<typeof accessOf>>
  concurrency: number
  validDays: number
  created: Date | undefined
  sequence: number | undefined
  dryRun: boolean
}

/**
 * What both commands are asked for. `from` says where lists come from, when an option does. Throws USAGE.
 * @param verb - as errors name it
 */
export async function bundleTerms(
  verb: string,
  argv: BundleArgs,
  given: Plan,
  planName: string | undefined,
  from: string | undefined,
): Promise<BundleTerms> {
  const { parseMapping } = await import('../index.ts')
  const output = argv.head ?? argv.output
  if (output === undefined || (argv.head !== undefined && argv.output !== undefined))
    throw usage(verb, 'name the output with -o, or a head to be approved with --head')
  // Its bytes would act on the terminal, and be lost.
  if (output === '-' && !argv['dry-run'] && isatty(1))
    throw usage('--output', 'a bundle is not written to a terminal; name a file, or give - a pipe')
  if (argv.head === '-') throw usage('--head', 'a head is a file')
  if (argv.approved !== undefined && argv.output !== '-')
    throw usage('--approved', 'it goes with -o -; a file is approved itself')
  const validDays = whole('--valid-days', argv['valid-days'], 1, 36_500)
  const sequence = whole('--sequence', argv.sequence, 1, Number.MAX_SAFE_INTEGER)
  const mapped: Plan = {
    ...given,
    map: [...argv.map.map(parseMapping), ...given.map],
    ...(argv['for-site'].length > 0 ? { audience: argv['for-site'] } : {}),
  }
  const plan = withRevocation(mapped, from, argv['allow-private'])
  return {
    plan,
    planName,
    keys: argv.keys,
    holder: argv.as,
    passphrase: passphraseSource(argv['passphrase-file']),
    output: output === '-' ? standardOutput() : output,
    headOnly: argv.head !== undefined,
    approved: argv.approved,
    registry: await accessOf(argv, hostsOf(plan.artifacts.map(({ ref }) => ref))),
    concurrency: argv.concurrency,
    validDays,
    created: argv.created === undefined ? undefined : secondOf('--created', argv.created),
    sequence,
    dryRun: argv['dry-run'],
  }
}

/** True when a list or answer is lacking that only somebody's word excuses: the plan's, or the policy's. */
export function lacksByChoice({ revocation }: Pick<ExportReport, 'revocation'>): boolean {
  return revocation?.lacking.some(({ accepted }) => accepted !== 'by its lists') === true
}
