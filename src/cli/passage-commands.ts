/** The commands of the passage: export, approve, inspect, verify, import. */
import { openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Argv } from 'yargs'
import { SallyportError } from '../errors/index.ts'
import type { BundleInput, ByteOutput, Plan } from '../index.ts'
import { accessOf, withRegistry, withState, type Handler } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { approveText, exportText, importText, inspectText, verifyText } from './text.ts'

/** Registers a handler; the caller runs it and turns its result into output. What yargs gives is what was declared beside it. */
export type Register = <T>(verb: string, handler: Handler<T>) => (argv: object) => Promise<void>

function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'state', subject, detail })
}

function inputOf(bundle: string): BundleInput {
  return bundle === '-' ? { fd: 0 } : { file: bundle }
}

/** Standard output as a place for a bundle: written in this thread, so that order and backpressure are the pipe's own. */
function standardOutput(): ByteOutput {
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length;) {
        try {
          done += writeSync(1, bytes, done, bytes.length - done)
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN')
            throw new SallyportError('OUTPUT_FAILED', {
              side: 'state',
              subject: 'standard output',
              detail: (cause as NodeJS.ErrnoException).code,
              cause,
            })
          await sleep(1)
        }
      }
    },
  }
}

function readPlan(file: string): string {
  try {
    return readFileSync(file === '-' ? openSync('/dev/stdin', 'r') : file, 'utf8')
  } catch (cause) {
    throw new SallyportError('FILE_UNREADABLE', {
      side: 'source',
      subject: file,
      detail: (cause as NodeJS.ErrnoException).code,
      cause,
    })
  }
}

/** The hosts that a plan's references name, for the credential helpers. */
function hostsOf(refs: readonly string[]): string[] {
  return refs
    .filter((ref) => !ref.startsWith('oci:'))
    .map((ref) =>
      ref.includes('/') && /[.:]|^localhost$/.test(ref.split('/')[0] ?? '') ? (ref.split('/')[0] ?? '') : 'docker.io',
    )
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
            demandOption: true,
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
          : parsePlan(readPlan(argv.file), planName)
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
        output: argv.output === '-' ? standardOutput() : argv.output,
        registry: await accessOf(argv, hostsOf(plan.artifacts.map(({ ref }) => ref))),
        concurrency: argv.concurrency,
        validDays: argv['valid-days'],
        created: timeOption(argv.created),
        sequence: argv.sequence,
        dryRun: argv['dry-run'],
      })
      return {
        verb: 'export',
        report,
        text: exportText(report),
        exit: report.omitted.length > 0 ? 3 : 0,
        toError: argv.output === '-',
      }
    }),
  )
}

type RegistryArgs = Parameters<typeof accessOf>[0]

type ExportArgs = RegistryArgs & {
  refs: string[]
  file: string | undefined
  keys: string
  as: string | undefined
  output: string
  'for-site': string[]
  map: string[]
  platform: string[]
  referrers: 'all' | 'signatures' | 'none'
  'valid-days': number
  created: string | undefined
  sequence: number | undefined
  'passphrase-file': string | undefined
  'dry-run': boolean
}

export function addApprove(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'approve <bundle>',
    "add a further person's signature to a bundle, in place",
    (y) =>
      y
        .positional('bundle', { type: 'string', demandOption: true })
        .option('key', { type: 'string', describe: "the person's key", demandOption: true, requiresArg: true })
        .option('id', { type: 'string', describe: 'approve only the bundle with this id', requiresArg: true })
        .option('passphrase-file', { type: 'string', describe: "file with the key's passphrase", requiresArg: true })
        .option('dry-run', { type: 'boolean', default: false, describe: 'show what would be approved' })
        .example('$0 approve june.tar --key keys/bob.pem', 'Bob signs')
        .example('$0 approve june.tar --key bob.pem --id sha256:4be1…', 'only if it is the bundle that was reviewed'),
    register(
      'approve',
      async (
        argv: {
          bundle: string
          key: string
          id: string | undefined
          'passphrase-file': string | undefined
          'dry-run': boolean
        },
        context,
      ) => {
        const { approveBundle } = await import('../index.ts')
        const report = await approveBundle({
          ...context,
          bundle: argv.bundle,
          key: argv.key,
          id: argv.id,
          passphrase: passphraseSource(argv['passphrase-file']),
          dryRun: argv['dry-run'],
        })
        return { verb: 'approve', report, text: approveText(report), exit: 0 }
      },
    ),
  )
}

export function addInspect(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'inspect <bundle>',
    'show what a bundle says of itself; proves nothing',
    (y) =>
      y
        .positional('bundle', { type: 'string', demandOption: true, describe: 'a file, or - for a pipe' })
        .example('$0 inspect june.tar', 'channel, contents, approvals')
        .example('$0 inspect june.tar --json | jq .report.repositories', 'for a machine'),
    register('inspect', async (argv: { bundle: string }, context) => {
      const { inspectBundle } = await import('../index.ts')
      const report = await inspectBundle({ ...context, input: inputOf(argv.bundle) })
      return { verb: 'inspect', report, text: inspectText(report), exit: 0 }
    }),
  )
}

export function addVerify(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'verify <bundle>',
    'prove a bundle: pinned channel, for this site, new, whole',
    (y) =>
      withState(y)
        .positional('bundle', { type: 'string', demandOption: true, describe: 'a file, or - for a pipe' })
        .option('root', { type: 'string', describe: 'judge by this root instead of the state', requiresArg: true })
        .option('fingerprint', { type: 'string', describe: "the root's fingerprint, sha256:…", requiresArg: true })
        .option('site', { type: 'string', describe: 'the site to judge for', requiresArg: true })
        .example('$0 verify june.tar', "by what this site's state has pinned")
        .example(
          '$0 verify june.tar --root keys/root.json --fingerprint sha256:… --site site-a',
          'on the sending side',
        ),
    register(
      'verify',
      async (
        argv: {
          bundle: string
          state: string
          root: string | undefined
          fingerprint: string | undefined
          site: string | undefined
        },
        context,
      ) => {
        const { verifyBundle } = await import('../index.ts')
        if (argv.root === undefined && argv.fingerprint !== undefined)
          throw usage('--fingerprint', 'it goes with --root')
        const root = argv.root === undefined ? undefined : { file: argv.root, fingerprint: argv.fingerprint ?? '' }
        const report = await verifyBundle({
          ...context,
          input: inputOf(argv.bundle),
          state: argv.state,
          root,
          site: argv.site,
        })
        return { verb: 'verify', report, text: verifyText(report), exit: report.omitted.length > 0 ? 3 : 0 }
      },
    ),
  )
}

export function addImport(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'import <bundle>',
    'prove a bundle, then bring its content to a registry or layout',
    (y) =>
      withRegistry(
        withState(y)
          .positional('bundle', { type: 'string', demandOption: true, describe: 'a file, or - for a pipe' })
          .option('to', {
            type: 'string',
            describe: 'host[:port][/prefix], or oci:DIR',
            demandOption: true,
            requiresArg: true,
          })
          .option('map', {
            type: 'string',
            array: true,
            describe: "FROM=TO, before the sender's own mapping",
            default: [] as string[],
          })
          .option('read-back', {
            choices: ['head', 'full'] as const,
            default: 'head' as const,
            describe: 'how blobs are read back',
          })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be pushed' }),
      )
        .example('$0 import june.tar --to registry.site:5000/mirror', 'from a disc to a registry')
        .example('diode-receive | $0 import - --to oci:/srv/layout', 'from a pipe to a layout'),
    register(
      'import',
      async (
        argv: RegistryArgs & {
          bundle: string
          state: string
          to: string
          map: string[]
          'read-back': 'head' | 'full'
          'dry-run': boolean
        },
        context,
      ) => {
        const { importBundle, parseMapping } = await import('../index.ts')
        const report = await importBundle({
          ...context,
          input: inputOf(argv.bundle),
          state: argv.state,
          to: argv.to,
          map: argv.map.map(parseMapping),
          registry: await accessOf(
            argv,
            argv.to.startsWith('oci:') ? [] : hostsOf([argv.to.includes('/') ? argv.to : `${argv.to}/x`]),
          ),
          concurrency: argv.concurrency,
          readBackFull: argv['read-back'] === 'full',
          dryRun: argv['dry-run'],
        })
        return { verb: 'import', report, text: importText(report), exit: report.omitted.length > 0 ? 3 : 0 }
      },
    ),
  )
}
