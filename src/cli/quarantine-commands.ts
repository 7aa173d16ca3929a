/** The commands on what is held in quarantine, and on tags that are put back. */
import type { Argv } from 'yargs'
import { pluginsHere } from './artifact-commands.ts'
import { accessOf, usage, withRegistry, withState, type Register, type RegistryArgs } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { withPolicy, type PolicyArgs } from './policy-option.ts'
import { approveReleaseText, quarantineListText, releaseText, restoreText } from './quarantine-text.ts'

const DIGEST = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/

function withReason<T>(yargs: Argv<T>): Argv<T & { reason: string; 'dry-run': boolean }> {
  return yargs
    .option('reason', { type: 'string', demandOption: true, requiresArg: true, describe: 'goes into the journal' })
    .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be done' })
}

interface ReleaseArgs extends RegistryArgs, PolicyArgs {
  ref: string
  state: string
  reason: string
  by: string[]
  approval: string[]
  'dry-run': boolean
}

interface ApproveArgs {
  ref: string
  state: string
  reason: string
  key: string
  output: string
  'passphrase-file': string | undefined
  'dry-run': boolean
}

function addRelease(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'release <ref>',
    'let an artifact out again that is trusted now: copied back, tags too',
    (y) =>
      withRegistry(
        withPolicy(
          withReason(
            withState(y).positional('ref', {
              type: 'string',
              demandOption: true,
              describe: 'host/repo@digest, host/repo:tag, oci:DIR:repo:tag, or a digest',
            }),
          ),
        )
          .option('by', {
            type: 'string',
            array: true,
            demandOption: true,
            requiresArg: true,
            describe: 'who lets it out; may be given again',
          })
          .option('approval', {
            type: 'string',
            array: true,
            default: [] as string[],
            requiresArg: true,
            describe: 'a file of quarantine approve; may be given again',
          }),
      )
        .example('$0 quarantine release registry.site:5000/app:1.2 --reason "hold lifted" --by alice', '')
        .example('$0 quarantine release sha256:… --reason "hold lifted" --by al --approval a --approval b', ''),
    register('quarantine release', async (argv: ReleaseArgs, context) => {
      const { exitOfVerdicts, heldTarget, quarantineRelease } = await import('../index.ts')
      const { ref, state, reason, by, approval, policy } = argv
      const target = await heldTarget({ ...context, state, ref })
      const registry = await accessOf(argv, target.startsWith('oci:') ? [] : [target])
      const terms = { ref, state, reason, by, approvals: approval, policy, plugins: pluginsHere(), registry }
      const report = await quarantineRelease({ ...context, ...terms, dryRun: argv['dry-run'] })
      return {
        verb: 'quarantine release',
        report,
        text: releaseText(report),
        exit: await exitOfVerdicts([report.verdict]),
      }
    }),
  )
}

function addApproveRelease(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'approve <ref>',
    "write one person's approval of a release to a file",
    (y) =>
      withReason(
        withState(y).positional('ref', { type: 'string', demandOption: true, describe: 'as for quarantine release' }),
      )
        .option('key', { type: 'string', demandOption: true, requiresArg: true, describe: "the person's key" })
        .option('output', {
          alias: 'o',
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'the approval file',
        })
        .option('passphrase-file', { type: 'string', requiresArg: true, describe: "file with the key's passphrase" })
        .example('$0 quarantine approve sha256:… --reason "hold lifted" --key bob.pem -o bob.approval', 'Bob agrees')
        .example(
          '$0 quarantine approve registry.site:5000/app:1.2 --reason "hold lifted" --key bob.pem -o b --dry-run',
          '',
        ),
    register('quarantine approve', async (argv: ApproveArgs, context) => {
      const { quarantineApprove } = await import('../index.ts')
      const { ref, state, reason, key, output } = argv
      const passphrase = passphraseSource(argv['passphrase-file'])
      const terms = { ref, state, reason, key, output, passphrase, dryRun: argv['dry-run'] }
      const report = await quarantineApprove({ ...context, ...terms })
      return { verb: 'quarantine approve', report, text: approveReleaseText(report), exit: 0 }
    }),
  )
}

function addList(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'list',
    'what measures stand against, and what of it can still be pulled',
    (y) => withState(y).example('$0 quarantine list', '').example('$0 quarantine list --json | jq .report.held', ''),
    register('quarantine list', async ({ state }: { state: string }, context) => {
      const { quarantineList } = await import('../index.ts')
      const report = await quarantineList({ ...context, state })
      return { verb: 'quarantine list', report, text: quarantineListText(report), exit: 0 }
    }),
  )
}

export function addQuarantine(yargs: Argv, register: Register): Argv {
  return yargs.command('quarantine', 'artifacts that are trusted no more', (y) =>
    [addList, addApproveRelease, addRelease]
      .reduce((all, add) => add(all, register), y)
      .demandCommand(1, 'quarantine needs a command'),
  )
}

interface RestoreArgs extends RegistryArgs, PolicyArgs {
  ref: string
  state: string
  to: string
  reason: string
  any: boolean
  'dry-run': boolean
}

export function addRestore(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'restore <ref>',
    'put a tag back to what it named before, where that is trusted now',
    (y) =>
      withRegistry(
        withPolicy(
          withReason(
            withState(y).positional('ref', {
              type: 'string',
              demandOption: true,
              describe: 'host/repo:tag, or oci:DIR:repo:tag',
            }),
          ),
        )
          .option('to', { type: 'string', demandOption: true, requiresArg: true, describe: 'the digest it named' })
          .option('any', {
            type: 'boolean',
            default: false,
            describe: 'also a digest that this site never saw the tag name',
          }),
      )
        .example('$0 restore registry.site:5000/app:latest --to sha256:… --reason "1.3 is broken"', '')
        .example('$0 restore oci:/srv/layout:app:latest --to sha256:… --reason "1.3 is broken" --dry-run', ''),
    register('restore', async (argv: RestoreArgs, context) => {
      const { exitOfVerdicts, placeOfReference, restoreTag } = await import('../index.ts')
      const { ref, state, to, reason, policy } = argv
      if (!isDigest(to)) throw usage('--to', 'a digest: sha256: and 64 digits of hex')
      const { target } = await placeOfReference(ref)
      const registry = await accessOf(argv, target.startsWith('oci:') ? [] : [target])
      const terms = { ref, state, to, reason, unseen: argv['any'], policy, plugins: pluginsHere(), registry }
      const report = await restoreTag({ ...context, ...terms, dryRun: argv['dry-run'] })
      return { verb: 'restore', report, text: restoreText(report), exit: await exitOfVerdicts([report.verdict]) }
    }),
  )
}

function isDigest(text: string): text is `sha256:${string}` {
  return DIGEST.test(text)
}
