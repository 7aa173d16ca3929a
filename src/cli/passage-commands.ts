/** The other commands of the passage: approve, inspect, verify, import. */
import type { Argv } from 'yargs'
import type { BundleInput } from '../index.ts'
import { pluginsHere } from './artifact-commands.ts'
import { asOfIn, withAsOf, type AsOfArgs } from './as-of-option.ts'
import { demandCompany, usage, withRegistry, withState, type Register, type RegistryArgs } from './context.ts'
import { accessTo, landingOf, withLanding, type LandingArgs } from './landing-options.ts'
import { passphraseSource } from './passphrase.ts'
import { tombstoneSeal, withTombstoneKey, type TombstoneKeyArgs } from './tombstone-key.ts'
import { approveText, importText, inspectText, promisedLines, refusalLines, verifyText } from './text.ts'

function inputOf(bundle: string): BundleInput {
  return bundle === '-' ? { fd: 0 } : { file: bundle }
}

export function addApprove(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'approve <bundle>',
    "add a further person's signature to a bundle, in place",
    (y) =>
      y
        .positional('bundle', { type: 'string', demandOption: true })
        // Without it yargs takes a lone - for the empty text.
        .nargs('bundle', 1)
        .option('key', { type: 'string', describe: "the person's key", demandOption: true, requiresArg: true })
        .option('id', { type: 'string', describe: 'approve only the bundle with this id', requiresArg: true })
        .option('since', {
          type: 'string',
          describe:
            'the bundle or head that was approved last: show which tags moved, what is revoked since, and what is left out',
          requiresArg: true,
        })
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
          since: string | undefined
          'passphrase-file': string | undefined
          'dry-run': boolean
        },
        context,
      ) => {
        if (context.quiet && argv.id === undefined && !argv['dry-run'])
          throw usage('--quiet', 'what is signed must be seen, or named with --id')
        const { approveBundle } = await import('../index.ts')
        const report = await approveBundle({
          ...context,
          bundle: argv.bundle,
          key: argv.key,
          id: argv.id,
          since: argv.since,
          onPromised: (promised) => {
            for (const text of promisedLines(promised)) context.onEvent({ type: 'note', text })
          },
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
        // Without it yargs takes a lone - for the empty text.
        .nargs('bundle', 1)
        .option('trust', {
          type: 'boolean',
          default: false,
          describe: 'also who delegated to whom, stores and policies, as the sender has them',
        })
        .example('$0 inspect june.tar --trust', 'channel, contents, approvals, and whom the sender trusts')
        .example('$0 inspect june.tar --json | jq .report.repositories', 'for a machine'),
    register('inspect', async (argv: { bundle: string; trust: boolean }, context) => {
      const { inspectBundle } = await import('../index.ts')
      const report = await inspectBundle({ ...context, input: inputOf(argv.bundle), trust: argv.trust })
      return { verb: 'inspect', report, text: inspectText(report), exit: 0 }
    }),
  )
}

export function addVerify(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'verify <bundle>',
    'prove a bundle: pinned channel, for this site, new, whole',
    (y) =>
      withAsOf(withState(y))
        .positional('bundle', { type: 'string', demandOption: true, describe: 'a file, or - for a pipe' })
        // Without it yargs takes a lone - for the empty text.
        .nargs('bundle', 1)
        .option('root', { type: 'string', describe: 'judge by this root instead of the state', requiresArg: true })
        .option('fingerprint', { type: 'string', describe: "the root's fingerprint, sha256:…", requiresArg: true })
        .option('site', { type: 'string', describe: 'the site to judge for', requiresArg: true })
        .option('policy', { type: 'string', describe: 'judge each artifact by this folder', requiresArg: true })
        .option('destination', {
          type: 'string',
          describe: 'where it goes, as policies name it: host[:port][/prefix]',
          requiresArg: true,
        })
        .example('$0 verify june.tar --policy policy/ --destination registry.site:5000/mirror', 'artifacts too')
        .example(
          '$0 verify june.tar --root keys/root.json --fingerprint sha256:… --site site-a',
          'on the sending side',
        ),
    register(
      'verify',
      async (
        argv: AsOfArgs & {
          bundle: string
          state: string
          root: string | undefined
          fingerprint: string | undefined
          site: string | undefined
          policy: string | undefined
          destination: string | undefined
        },
        context,
      ) => {
        const { exitOfVerify, verifyBundle } = await import('../index.ts')
        if (argv.root === undefined && argv.fingerprint !== undefined)
          throw usage('--fingerprint', 'it goes with --root')
        demandCompany('--destination', argv.destination, '--policy', argv.policy)
        const root = argv.root === undefined ? undefined : { file: argv.root, fingerprint: argv.fingerprint ?? '' }
        const report = await verifyBundle({
          ...context,
          input: inputOf(argv.bundle),
          state: argv.state,
          root,
          site: argv.site,
          policy: argv.policy,
          plugins: pluginsHere(),
          destination: argv.destination,
          asOf: asOfIn(argv),
        })
        const said = { text: verifyText(report), refusal: refusalLines(report) }
        return { verb: 'verify', report, ...said, exit: await exitOfVerify(report) }
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
        withLanding(withTombstoneKey(withAsOf(withState(y))))
          .positional('bundle', { type: 'string', demandOption: true, describe: 'a file, or - for a pipe' })
          // Without it yargs takes a lone - for the empty text.
          .nargs('bundle', 1)
          .option('approval', {
            type: 'string',
            array: true,
            default: [] as string[],
            requiresArg: true,
            describe: 'a file of quarantine approve, for what is held and was signed anew; with --policy',
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
        argv: RegistryArgs &
          LandingArgs &
          AsOfArgs &
          TombstoneKeyArgs & {
            bundle: string
            state: string
            approval: string[]
            'read-back': 'head' | 'full'
            'dry-run': boolean
          },
        context,
      ) => {
        demandCompany('--approval', argv.approval, '--policy', argv.policy)
        const landing = await landingOf(argv)
        const { exitOfImport, importBundle } = await import('../index.ts')
        const report = await importBundle({
          ...context,
          input: inputOf(argv.bundle),
          state: argv.state,
          ...landing,
          approvals: argv.approval,
          registry: await accessTo(argv),
          readBackFull: argv['read-back'] === 'full',
          seal: await tombstoneSeal(argv, context),
          dryRun: argv['dry-run'],
          asOf: asOfIn(argv),
        })
        const said = { text: importText(report), refusal: refusalLines(report) }
        return { verb: 'import', report, ...said, exit: await exitOfImport(report) }
      },
    ),
  )
}
