/** The commands about revocation at a site: what it denies itself, what hangs on what, how fresh its lists are. */
import type { Argv } from 'yargs'
import type { JudgeAgainReport } from '../index.ts'
import { pluginsHere } from './artifact-commands.ts'
import { usage, withRegistry, withState, type Context, type Register, type RegistryArgs } from './context.ts'
import { accessTo } from './landing-options.ts'
import type { Result } from './outcome.ts'
import { tombstoneSeal, withTombstoneKey, type TombstoneKeyArgs } from './tombstone-key.ts'
import { affectedText, judgeAgainText, revocationStatusText, siteDenyText } from './revocation-site-text.ts'

/** What `revocation deny` takes at a site. */
export interface SiteDenyArgs extends RegistryArgs, TombstoneKeyArgs {
  artifact: string
  signer: string | undefined
  reason: string
  state: string | undefined
  to: string | undefined
  policy: string | undefined
  'dry-run': boolean
}

/** The options of the far side. */
export function withSiteDeny<T>(
  yargs: Argv<T>,
): Argv<T & Omit<SiteDenyArgs, 'artifact' | 'signer' | 'reason' | 'dry-run'>> {
  return withRegistry(
    withTombstoneKey(yargs)
      .option('state', {
        type: 'string',
        describe: "deny at this site alone: the site's state folder",
        requiresArg: true,
      })
      .option('to', { type: 'string', describe: 'with --state: judge again there at once', requiresArg: true })
      .option('policy', { type: 'string', describe: 'with --to: the folder to judge by', requiresArg: true }),
  )
}

/** `revocation deny --state`. */
export async function denyHere(argv: SiteDenyArgs & { state: string }, context: Context): Promise<Result> {
  const { artifact, signer, reason, state, to, policy } = argv
  if (policy !== undefined && to === undefined) throw usage('--policy', 'it goes with --to')
  if (argv.key !== undefined && to === undefined) throw usage('--key', 'it goes with --to')
  const { denyAtSite, exitOfSiteDeny } = await import('../index.ts')
  const report = await denyAtSite({
    ...context,
    artifact,
    signer,
    reason,
    state,
    to,
    policy,
    ...(to === undefined ? {} : { registry: await accessTo({ ...argv, to }) }),
    plugins: pluginsHere(),
    seal: await tombstoneSeal(argv, context),
    dryRun: argv['dry-run'],
  })
  return { verb: 'revocation deny', report, text: siteDenyText(report), exit: await exitOfSiteDeny(report) }
}

export function addAffected(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'affected <what>',
    'what hangs on a certificate or issuer, or on what an artifact hangs; asks nobody; 3 when nothing is known of it',
    (y) =>
      withState(y)
        .positional('what', {
          type: 'string',
          demandOption: true,
          describe: 'host/repo:tag or @digest; a certificate file; SHA-256 of one, or of the key of an issuer',
        })
        .example('$0 revocation affected registry.site:5000/mirror/app:1.2', 'its certificates and their lists')
        .example('$0 revocation affected signer.pem', 'the artifacts that its revocation would touch'),
    register('revocation affected', async (argv: { state: string; what: string }, context) => {
      const { exitOfAffected, revocationAffected } = await import('../index.ts')
      const report = await revocationAffected({ ...context, state: argv.state, what: argv.what })
      return { verb: 'revocation affected', report, text: affectedText(report), exit: await exitOfAffected(report) }
    }),
  )
}

export function addRevocationStatus(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'status',
    'how old each list is, when the site goes blind, and who hangs on it; 15 when somebody has to act',
    (y) =>
      withState(y)
        .option('warn', {
          type: 'string',
          describe: 'a span: end with 15 so long before a list is stale',
          requiresArg: true,
        })
        .example('$0 revocation status --warn 3d', 'for cron: 0 all fresh, 15 stale, missing or overdue')
        .example('$0 revocation status --json | jq .report.missing', 'the lists that were never had'),
    register('revocation status', async (argv: { state: string; warn: string | undefined }, context) => {
      const { exitOfRevocationStatus, parseSpan, revocationStatus } = await import('../index.ts')
      const warn = argv.warn === undefined ? undefined : await parseSpan(argv.warn, '--warn')
      const report = await revocationStatus({ ...context, state: argv.state, warn })
      return {
        verb: 'revocation status',
        report,
        text: revocationStatusText(report),
        exit: await exitOfRevocationStatus(report),
      }
    }),
  )
}

interface JudgeArgs extends RegistryArgs, TombstoneKeyArgs {
  state: string
  to: string
  policy: string
  'dry-run': boolean
}

async function exitOfJudging({ rejudged }: JudgeAgainReport): Promise<number> {
  const { exitOfRejudged } = await import('../index.ts')
  return exitOfRejudged(rejudged)
}

export function addJudge(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'judge',
    'judge again what new lists, denials or another policy touch at a place',
    (y) =>
      withRegistry(
        withTombstoneKey(withState(y))
          .option('to', {
            type: 'string',
            describe: 'host[:port][/prefix], or oci:DIR',
            demandOption: true,
            requiresArg: true,
          })
          .option('policy', {
            type: 'string',
            describe: 'the folder to judge by',
            demandOption: true,
            requiresArg: true,
          })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be judged; asks nobody' }),
      )
        .example('$0 revocation judge --policy policy/ --to registry.site:5000/mirror', 'after a change of the policy')
        .example('$0 revocation judge --policy policy/ --to oci:/srv/layout --dry-run', 'what it would touch'),
    register('revocation judge', async (argv: JudgeArgs, context) => {
      const { judgeAgain } = await import('../index.ts')
      const report = await judgeAgain({
        ...context,
        state: argv.state,
        to: argv.to,
        policy: argv.policy,
        plugins: pluginsHere(),
        seal: await tombstoneSeal(argv, context),
        registry: await accessTo(argv),
        dryRun: argv['dry-run'],
      })
      return { verb: 'revocation judge', report, text: judgeAgainText(report), exit: await exitOfJudging(report) }
    }),
  )
}
