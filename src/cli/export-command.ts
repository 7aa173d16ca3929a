/** The command `export`. */
import { readFileSync } from 'node:fs'
import type { Argv } from 'yargs'
import { SallyportError } from '../errors/index.ts'
import type { Plan } from '../index.ts'
import { pluginsHere } from './artifact-commands.ts'
import { accessOf, hostsOf, usage, withRegistry, type Register, type RegistryArgs } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { standardOutput } from './standard-output.ts'
import { exportText } from './text.ts'

type ExportArgs = RegistryArgs & {
  refs: string[]
  file: string | undefined
  keys: string
  as: string | undefined
  output: string | undefined
  head: string | undefined
  approved: string | undefined
  'for-site': string[]
  map: string[]
  platform: string[]
  referrers: 'all' | 'signatures' | 'none'
  'valid-days': number
  created: string | undefined
  sequence: number | undefined
  'passphrase-file': string | undefined
  passenger: string[]
  policy: string | undefined
  destination: string | undefined
  'dry-run': boolean
}

function readPlan(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new SallyportError('FILE_UNREADABLE', {
      side: 'source',
      subject: file,
      detail: (cause as NodeJS.ErrnoException).code,
      cause,
    })
  }
}

function timeOption(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const time = new Date(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(time.getTime()))
    throw usage('--created', 'a time is YYYY-MM-DDTHH:MM:SSZ')
  return time
}

export function addExport(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'export [refs..]',
    'write images and all that refers to them into one bundle',
    (y) =>
      withRegistry(
        y
          .positional('refs', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'host/repo:tag, host/repo@digest, oci:DIR, oci:FILE.tar',
          })
          .option('file', { alias: 'f', type: 'string', describe: 'plan file (YAML)', requiresArg: true })
          .option('keys', { type: 'string', describe: "the channel's folder", demandOption: true, requiresArg: true })
          .option('as', { type: 'string', describe: 'whose key signs', requiresArg: true })
          .option('output', {
            alias: 'o',
            type: 'string',
            describe: 'the bundle, or - for a pipe',
            requiresArg: true,
          })
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
          .option('platform', {
            type: 'string',
            array: true,
            describe: 'os/arch[/variant] to take of each index',
            default: [] as string[],
          })
          .option('referrers', {
            choices: ['all', 'signatures', 'none'] as const,
            default: 'all' as const,
            describe: 'which referrers ride along',
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
          .option('passenger', {
            type: 'string',
            array: true,
            describe: 'a bundle of another channel (revocation or trust) that rides along',
            default: [] as string[],
          })
          .option('policy', { type: 'string', describe: 'refuse what this policy folder refuses', requiresArg: true })
          .option('destination', {
            type: 'string',
            describe: 'where it goes, as policies name it: host[:port][/prefix]',
            requiresArg: true,
          })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be exported' }),
      )
        .example('$0 export -f plan.yaml --keys keys/ -o june.tar', 'what the plan names, to a file')
        .example(
          '$0 export ghcr.io/acme/app:1.2 --for-site site-a --keys keys/ -o - | diode-send',
          'one image, to a pipe',
        ),
    register('export', async (argv: ExportArgs, context) => {
      const { exportBundle, parseMapping, parsePlan } = await import('../index.ts')
      if ((argv.file === undefined) === (argv.refs.length === 0))
        throw usage('export', 'name references or a plan with -f, not both')
      const output = argv.head ?? argv.output
      if (output === undefined || (argv.head !== undefined && argv.output !== undefined))
        throw usage('export', 'name the output with -o, or a head to be approved with --head')
      if (argv.head === '-') throw usage('--head', 'a head is a file')
      if (argv.approved !== undefined && argv.output !== '-')
        throw usage('--approved', 'it goes with -o -; a file is approved itself')
      const planName = argv.file ?? 'command line'
      const given: Plan =
        argv.file === undefined
          ? {
              map: [],
              artifacts: argv.refs.map((ref) => ({
                ref,
                referrers: argv.referrers,
                ...(argv.platform.length > 0 ? { platforms: argv.platform } : {}),
              })),
            }
          : await parsePlan(readPlan(argv.file), planName)
      const plan: Plan = {
        ...given,
        map: [...argv.map.map(parseMapping), ...given.map],
        ...(argv['for-site'].length > 0 ? { audience: argv['for-site'] } : {}),
      }
      if (!Number.isInteger(argv['valid-days']) || argv['valid-days'] < 1 || argv['valid-days'] > 36_500)
        throw usage('--valid-days', 'a whole number from 1 to 36500')
      const report = await exportBundle({
        ...context,
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
        validDays: argv['valid-days'],
        created: timeOption(argv.created),
        sequence: argv.sequence,
        passengers: argv.passenger,
        policy: argv.policy,
        plugins: pluginsHere(),
        destination: argv.destination,
        dryRun: argv['dry-run'],
      })
      return {
        verb: 'export',
        report,
        text: exportText(report),
        exit: report.omitted.length > 0 ? 3 : 0,
      }
    }),
  )
}
